package simulator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// kubeKind is a kind of object that the Kubernetes API keeps.
type kubeKind struct {
	group, version   string
	plural, singular string
	kind             string
	namespaced       bool
	short            []string
	subresources     []string
}

func (k kubeKind) apiVersion() string {
	if k.group == "" {
		return k.version
	}
	return k.group + "/" + k.version
}

func kubeKinds() []kubeKind {
	return []kubeKind{
		{"", "v1", "namespaces", "namespace", "Namespace", false, []string{"ns"}, []string{"status"}},
		{"", "v1", "nodes", "node", "Node", false, []string{"no"}, []string{"status"}},
		{"", "v1", "pods", "pod", "Pod", true, []string{"po"}, []string{"status", "eviction"}},
		{"", "v1", "secrets", "secret", "Secret", true, nil, nil},
		{"", "v1", "configmaps", "configmap", "ConfigMap", true, []string{"cm"}, nil},
		{"", "v1", "events", "event", "Event", true, []string{"ev"}, nil},
		{"", "v1", "services", "service", "Service", true, []string{"svc"}, []string{"status"}},
		{"", "v1", "endpoints", "endpoints", "Endpoints", true, []string{"ep"}, nil},
		{"", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", true, []string{"sa"}, nil},
		{"", "v1", "persistentvolumes", "persistentvolume", "PersistentVolume", false, []string{"pv"}, []string{"status"}},
		{"", "v1", "persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim", true, []string{"pvc"}, []string{"status"}},
		{"", "v1", "replicationcontrollers", "replicationcontroller", "ReplicationController", true, []string{"rc"}, []string{"status"}},
		{"apps", "v1", "daemonsets", "daemonset", "DaemonSet", true, []string{"ds"}, []string{"status"}},
		{"apps", "v1", "deployments", "deployment", "Deployment", true, []string{"deploy"}, []string{"status"}},
		{"apps", "v1", "replicasets", "replicaset", "ReplicaSet", true, []string{"rs"}, []string{"status"}},
		{"apps", "v1", "statefulsets", "statefulset", "StatefulSet", true, []string{"sts"}, []string{"status"}},
		{"batch", "v1", "jobs", "job", "Job", true, nil, []string{"status"}},
		{"batch", "v1", "cronjobs", "cronjob", "CronJob", true, []string{"cj"}, []string{"status"}},
		{"policy", "v1", "poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget", true, []string{"pdb"}, []string{"status"}},
		{"coordination.k8s.io", "v1", "leases", "lease", "Lease", true, nil, nil},
		{"rbac.authorization.k8s.io", "v1", "clusterroles", "clusterrole", "ClusterRole", false, nil, nil},
		{"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "clusterrolebinding", "ClusterRoleBinding", false, nil, nil},
		{"rbac.authorization.k8s.io", "v1", "roles", "role", "Role", true, nil, nil},
		{"rbac.authorization.k8s.io", "v1", "rolebindings", "rolebinding", "RoleBinding", true, nil, nil},
		{"storage.k8s.io", "v1", "storageclasses", "storageclass", "StorageClass", false, []string{"sc"}, nil},
		{"storage.k8s.io", "v1", "volumeattachments", "volumeattachment", "VolumeAttachment", false, nil, []string{"status"}},
		{"helm.cattle.io", "v1", "helmcharts", "helmchart", "HelmChart", true, nil, nil},
		{"helm.cattle.io", "v1", "helmchartconfigs", "helmchartconfig", "HelmChartConfig", true, nil, nil},
	}
}

// kubeGroups are the API groups in the order of discovery, without the core.
func kubeGroups() []string {
	groups := []string{}
	for _, kind := range kubeKinds() {
		if kind.group != "" && !slices.Contains(groups, kind.group) {
			groups = append(groups, kind.group)
		}
	}
	return groups
}

func groupDocument(group string) map[string]any {
	version := map[string]any{"groupVersion": group + "/v1", "version": "v1"}
	return map[string]any{"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": []any{version}, "preferredVersion": version}
}

// resourceList is the discovery document of a group.
func resourceList(group string) map[string]any {
	resources := []any{}
	verbs := []any{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	groupVersion := "v1"
	for _, kind := range kubeKinds() {
		if kind.group != group {
			continue
		}
		groupVersion = kind.apiVersion()
		entry := map[string]any{"name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs}
		if len(kind.short) > 0 {
			entry["shortNames"] = kind.short
		}
		resources = append(resources, entry)
		for _, sub := range kind.subresources {
			entry := map[string]any{"name": kind.plural + "/" + sub, "singularName": "", "namespaced": kind.namespaced, "kind": kind.kind, "verbs": []any{"get", "patch", "update"}}
			if sub == "eviction" {
				entry["group"], entry["version"], entry["kind"], entry["verbs"] = "policy", "v1", "Eviction", []any{"create"}
			}
			resources = append(resources, entry)
		}
	}
	return map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": groupVersion, "resources": resources}
}

// column is a column of the table that kubectl prints.
type column struct {
	name     string
	wide     bool
	cellText func(kubeObject) any
}

func columnsOf(plural string) []column {
	name := column{"Name", false, func(o kubeObject) any { return o.name() }}
	age := column{"Age", false, func(o kubeObject) any { return ageOf(o.meta("creationTimestamp")) }}
	at := func(title string, keys ...string) column {
		return column{title, false, func(o kubeObject) any {
			for _, key := range keys[:len(keys)-1] {
				o = o.child(key)
			}
			if value := o[keys[len(keys)-1]]; value != nil {
				return value
			}
			return "<none>"
		}}
	}
	switch plural {
	case "nodes":
		info := func(title, key string) column {
			c := at(title, "status", "nodeInfo", key)
			c.wide = true
			return c
		}
		return []column{
			name, {"Status", false, nodeStatus}, {"Roles", false, nodeRoles}, age, at("Version", "status", "nodeInfo", "kubeletVersion"),
			{"Internal-IP", true, nodeAddress("InternalIP")}, {"External-IP", true, nodeAddress("ExternalIP")},
			info("OS-Image", "osImage"), info("Kernel-Version", "kernelVersion"), info("Container-Runtime", "containerRuntimeVersion"),
		}
	case "pods":
		node, ip := at("Node", "spec", "nodeName"), at("IP", "status", "podIP")
		node.wide, ip.wide = true, true
		return []column{name, {"Ready", false, podReady}, at("Status", "status", "phase"), {"Restarts", false, func(kubeObject) any { return 0 }}, age, ip, node}
	case "namespaces":
		return []column{name, at("Status", "status", "phase"), age}
	case "poddisruptionbudgets":
		return []column{name, at("Min Available", "spec", "minAvailable"), at("Max Unavailable", "spec", "maxUnavailable"), at("Allowed Disruptions", "status", "disruptionsAllowed"), age}
	case "leases":
		return []column{name, at("Holder", "spec", "holderIdentity"), age}
	case "clusterrolebindings", "rolebindings":
		return []column{name, {"Role", false, func(o kubeObject) any {
			return fmt.Sprintf("%v/%v", o.child("roleRef")["kind"], o.child("roleRef")["name"])
		}}, age}
	case "secrets":
		return []column{name, at("Type", "type"), {"Data", false, func(o kubeObject) any { return len(o.child("data")) }}, age}
	case "configmaps":
		return []column{name, {"Data", false, func(o kubeObject) any { return len(o.child("data")) }}, age}
	case "services":
		return []column{name, at("Type", "spec", "type"), at("Cluster-IP", "spec", "clusterIP"), age}
	case "replicasets", "deployments", "statefulsets":
		return []column{name, at("Desired", "spec", "replicas"), age}
	case "events":
		return []column{at("Last Seen", "lastTimestamp"), at("Type", "type"), at("Reason", "reason"), at("Object", "involvedObject", "name"), at("Message", "message")}
	}
	return []column{name, age}
}

func nodeStatus(o kubeObject) any {
	status := "NotReady"
	for _, condition := range kubeList(o.child("status")["conditions"]) {
		if condition["type"] == "Ready" && condition["status"] == "True" {
			status = "Ready"
		}
	}
	if o.child("spec")["unschedulable"] == true {
		status += ",SchedulingDisabled"
	}
	return status
}

func nodeRoles(o kubeObject) any {
	roles := []string{}
	for label := range o.labels() {
		if role, ok := strings.CutPrefix(label, "node-role.kubernetes.io/"); ok {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	return cmp.Or(strings.Join(roles, ","), "<none>")
}

func nodeAddress(kind string) func(kubeObject) any {
	return func(o kubeObject) any {
		for _, address := range kubeList(o.child("status")["addresses"]) {
			if address["type"] == kind {
				return address["address"]
			}
		}
		return "<none>"
	}
}

func podReady(o kubeObject) any {
	statuses := kubeList(o.child("status")["containerStatuses"])
	ready := slices.DeleteFunc(slices.Clone(statuses), func(s kubeObject) bool { return s["ready"] != true })
	return fmt.Sprintf("%d/%d", len(ready), max(len(statuses), len(kubeList(o.child("spec")["containers"]))))
}

// ageOf is a duration in kubectl's short form.
func ageOf(created string) string {
	at, err := time.Parse(time.RFC3339, created)
	if err != nil {
		return "<unknown>"
	}
	switch d := max(time.Since(at), 0); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 3*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
}

// table is how kubectl asks for objects that it only prints.
func tableOf(plural string, objects []kubeObject, revision string, headed bool) map[string]any {
	columns := columnsOf(plural)
	definitions, rows := []any{}, []any{}
	for _, column := range columns {
		priority := 0
		if column.wide {
			priority = 1
		}
		format := ""
		if column.name == "Name" {
			format = "name"
		}
		definitions = append(definitions, map[string]any{"name": column.name, "type": "string", "format": format, "description": "", "priority": priority})
	}
	for _, o := range objects {
		cells := []any{}
		for _, column := range columns {
			cells = append(cells, column.cellText(o))
		}
		rows = append(rows, map[string]any{"cells": cells, "object": map[string]any{
			"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": o["metadata"],
		}})
	}
	table := map[string]any{
		"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": map[string]any{"resourceVersion": revision},
		"columnDefinitions": definitions, "rows": rows,
	}
	if !headed {
		delete(table, "columnDefinitions")
	}
	return table
}
