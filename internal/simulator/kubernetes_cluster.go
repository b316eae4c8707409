package simulator

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// cluster is a Kubernetes cluster: its authorities, its secrets and its objects.
type cluster struct {
	ID           string
	Distribution string
	Version      string
	RootHash     string
	ServerToken  string
	AgentToken   string
	ServerCA     string // PEM of the chain
	ServerKey    string // PEM
	ClientCA     string // PEM of the chain
	SANs         []string

	// Objects by "<resource>/<namespace>/<name>"; Revision counts the writes.
	Objects  map[string]kubeObject
	Revision int64

	kubernetes *kubernetes
	listener   *memoryListener
	server     *http.Server
	serving    *tls.Certificate
	history    []kubeEvent
	watchers   map[*watcher]struct{}
}

// found makes the cluster of a first server.
func (k *kubernetes) found(m *machine) (*cluster, error) {
	config := m.Config
	if config.Token == "" {
		return nil, errors.New("a token is required to start a cluster here, because nobody could read a random one")
	}
	if len(config.TLS) == 0 {
		return nil, errors.New("no CA in server/tls, and nobody could read certificates that the server makes itself")
	}
	for _, name := range tlsFiles() {
		if config.TLS[name] == "" {
			return nil, fmt.Errorf("open /var/lib/rancher/%s/server/tls/%s: no such file or directory", config.Distribution, name)
		}
	}
	for _, name := range tlsFiles() {
		pair, isKey := strings.CutSuffix(name, ".key")
		if !isKey || name == "service.key" {
			continue
		}
		if _, err := tls.X509KeyPair([]byte(config.TLS[pair+".crt"]), []byte(config.TLS[name])); err != nil {
			return nil, fmt.Errorf("%s: %w", pair+".crt", err)
		}
	}
	if _, err := signer(config.TLS["service.key"]); err != nil {
		return nil, fmt.Errorf("service.key: %w", err)
	}
	hash, err := caHash(config.TLS["server-ca.crt"])
	if err != nil {
		return nil, err
	}
	token := parseJoinToken(config.Token)
	if token.hash != "" && token.hash != hash {
		return nil, fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %s", token.hash, hash)
	}
	c := &cluster{
		ID: newUUID(), Distribution: config.Distribution, Version: config.Version, RootHash: hash,
		ServerToken: token.secret, AgentToken: parseJoinToken(config.AgentToken).secret,
		ServerCA: config.TLS["server-ca.crt"], ServerKey: config.TLS["server-ca.key"], ClientCA: config.TLS["client-ca.crt"],
		Objects: map[string]kubeObject{},
	}
	for _, other := range k.Clusters {
		if other.RootHash == c.RootHash {
			// Two clusters of one root cannot be told apart; this is the data loss that a first server must not cause.
			k.say(m, "warning", "a cluster with the same CA exists whose servers do not answer; a second one starts")
		}
	}
	k.Clusters[c.ID] = c
	k.serve(c)
	c.seed(config.Manifests)
	return c, nil
}

func (c *cluster) stop() {
	if c.server != nil {
		_ = c.server.Close()
		_ = c.listener.Close()
	}
}

// addSANs makes the API valid for more names. The caller holds the lock.
func (c *cluster) addSANs(names []string) {
	for _, name := range names {
		if name != "" && !slices.Contains(c.SANs, name) {
			c.SANs = append(c.SANs, name)
			c.serving = nil
		}
	}
}

// signer reads a private key in any of the usual PEM forms.
func signer(text string) (crypto.Signer, error) {
	rest := []byte(text)
	for {
		block, next := pem.Decode(rest)
		if block == nil {
			return nil, errors.New("no private key")
		}
		rest = next
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, errors.New("unknown kind of private key")
	}
}

// certificate is the serving certificate, issued by the cluster's own CA.
func (c *cluster) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s := c.kubernetes.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.serving != nil {
		return c.serving, nil
	}
	chain, err := certificates(c.ServerCA)
	if err != nil {
		return nil, err
	}
	authority, err := signer(c.ServerKey)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotBefore: chain[0].NotBefore, NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 43, 0, 1)},
	}
	for _, san := range c.SANs {
		if ip := net.ParseIP(san); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, san)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, chain[0], key.Public(), authority)
	if err != nil {
		return nil, err
	}
	c.serving = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	for _, parent := range chain {
		c.serving.Certificate = append(c.serving.Certificate, parent.Raw)
	}
	return c.serving, nil
}

// seed makes what every cluster has, and what the manifests of its first server say.
func (c *cluster) seed(manifests []string) {
	for _, name := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
		c.put("namespaces", "", kubeObject{
			"apiVersion": "v1", "kind": "Namespace",
			"metadata": map[string]any{"name": name, "labels": map[string]any{"kubernetes.io/metadata.name": name}},
			"spec":     map[string]any{"finalizers": []any{"kubernetes"}}, "status": map[string]any{"phase": "Active"},
		})
	}
	c.put("clusterrolebindings", "", kubeObject{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": map[string]any{"name": "cluster-admin"},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
		"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:masters"}},
	})
	c.put("daemonsets", "kube-system", kubeObject{
		"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": map[string]any{"name": c.cni(), "namespace": "kube-system"},
		"spec": map[string]any{
			"selector": map[string]any{"matchLabels": map[string]any{"k8s-app": c.cni()}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"k8s-app": c.cni()}}},
		},
	})
	c.put("replicasets", "kube-system", kubeObject{
		"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": map[string]any{"name": "coredns", "namespace": "kube-system"},
		"spec": map[string]any{
			"replicas": 1, "selector": map[string]any{"matchLabels": map[string]any{"k8s-app": "kube-dns"}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"k8s-app": "kube-dns"}}, "spec": podSpec("coredns")},
		},
	})
	c.put("services", "default", kubeObject{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "kubernetes", "namespace": "default"},
		"spec": map[string]any{"clusterIP": "10.43.0.1", "ports": []any{map[string]any{"name": "https", "port": 443, "protocol": "TCP", "targetPort": apiPort}}, "type": "ClusterIP"},
	})
	for _, manifest := range manifests {
		c.applyManifest(manifest)
	}
}

func (c *cluster) cni() string {
	if c.Distribution == "rke2" {
		return "rke2-canal"
	}
	return "svclb-traefik"
}

func podSpec(container string) map[string]any {
	return map[string]any{
		"containers":    []any{map[string]any{"name": container, "image": "rancher/" + container + ":v1"}},
		"restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
	}
}

// register makes the Node of a machine, and the pods that run on every node.
func (k *kubernetes) register(c *cluster, m *machine, server object) {
	if node := c.get("nodes", "", m.Name); node != nil {
		return
	}
	flavor := server.obj("_flavor")
	labels := map[string]any{
		"kubernetes.io/hostname": m.Name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
		"beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64", "node.kubernetes.io/instance-type": cmp.Or(flavor.str("name"), c.Distribution),
	}
	if !m.Config.Agent {
		labels["node-role.kubernetes.io/control-plane"], labels["node-role.kubernetes.io/etcd"], labels["node-role.kubernetes.io/master"] = "true", "true", "true"
	}
	for _, label := range m.Config.Labels {
		key, value, _ := strings.Cut(label, "=")
		labels[key] = value
	}
	spec := map[string]any{"providerID": "openstack:///" + m.Server}
	taints := []any{}
	for _, taint := range m.Config.Taints {
		if parsed := parseTaint(taint); parsed != nil {
			taints = append(taints, parsed)
		}
	}
	if len(taints) > 0 {
		spec["taints"] = taints
	}
	addresses := []any{}
	for _, address := range k.addressesOf(server) {
		kind := "InternalIP"
		if len(addresses) > 0 {
			kind = "ExternalIP"
		}
		addresses = append(addresses, map[string]any{"type": kind, "address": address})
	}
	addresses = append(addresses, map[string]any{"type": "Hostname", "address": m.Name})
	capacity := map[string]any{
		"cpu": fmt.Sprint(max(1, flavor.num("vcpus"))), "memory": fmt.Sprintf("%dMi", max(512, flavor.num("ram"))), "pods": "110", "ephemeral-storage": "20Gi",
	}
	c.put("nodes", "", kubeObject{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{"name": m.Name, "labels": labels, "annotations": map[string]any{c.Distribution + ".io/hostname": m.Name}},
		"spec":     spec,
		"status": map[string]any{
			"addresses": addresses, "capacity": capacity, "allocatable": capacity, "conditions": []any{},
			"nodeInfo": map[string]any{
				"kubeletVersion": m.Config.Version, "kubeProxyVersion": m.Config.Version, "osImage": "Debian GNU/Linux 12 (bookworm)",
				"kernelVersion": "6.1.0-amd64", "containerRuntimeVersion": "containerd://2.1.4", "operatingSystem": "linux", "architecture": "amd64",
				"machineID": strings.ReplaceAll(m.Server, "-", ""), "systemUUID": m.Server, "bootID": newUUID(),
			},
		},
	})
	c.setReady(m.Name, "False", "KubeletNotReady", "container runtime network not ready: cni plugin not initialized")
	c.put("leases", "kube-node-lease", kubeObject{
		"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": map[string]any{"name": m.Name, "namespace": "kube-node-lease"},
		"spec": map[string]any{"holderIdentity": m.Name, "leaseDurationSeconds": 40, "renewTime": microTime()},
	})
	if !m.Config.Agent && c.Distribution == "rke2" {
		for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
			c.addPod(name+"-"+m.Name, m.Name, name, map[string]any{"component": name, "tier": "control-plane"}, "Node", m.Name)
		}
	}
	c.addPod(c.cni()+"-"+shortID(), m.Name, c.cni(), map[string]any{"k8s-app": c.cni()}, "DaemonSet", c.cni())
}

func parseTaint(text string) map[string]any {
	at := strings.LastIndex(text, ":")
	if at < 0 {
		return nil
	}
	key, value, _ := strings.Cut(text[:at], "=")
	taint := map[string]any{"key": key, "effect": text[at+1:]}
	if value != "" {
		taint["value"] = value
	}
	return taint
}

// shortID is the kind of suffix that Kubernetes gives to pods.
func shortID() string { return newHex()[:5] }

func microTime() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000000Z") }

// addPod makes a pod of the system that runs on a node ("" for one that waits for a node).
func (c *cluster) addPod(name, node, container string, labels map[string]any, ownerKind, owner string) {
	apiVersion, controller := "apps/v1", true
	resource := map[string]string{"DaemonSet": "daemonsets", "ReplicaSet": "replicasets", "Node": "nodes"}[ownerKind]
	namespace := "kube-system"
	if ownerKind == "Node" {
		apiVersion, namespace = "v1", ""
	}
	metadata := map[string]any{
		"name": name, "namespace": "kube-system", "labels": labels,
		"ownerReferences": []any{map[string]any{"apiVersion": apiVersion, "kind": ownerKind, "name": owner, "controller": controller, "uid": c.get(resource, namespace, owner).uid()}},
	}
	if ownerKind == "Node" {
		metadata["annotations"] = map[string]any{"kubernetes.io/config.mirror": newHex(), "kubernetes.io/config.source": "file"}
	}
	spec := podSpec(container)
	if node != "" {
		spec["nodeName"] = node
	}
	pod := kubeObject{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
	c.place(pod)
	c.put("pods", "kube-system", pod)
}

// place runs a pod: on its node, or on one that is Ready and takes new pods. Without one it stays Pending.
func (c *cluster) place(pod kubeObject) {
	spec := pod.child("spec")
	if spec["nodeName"] == nil || spec["nodeName"] == "" {
		for _, node := range c.list("nodes", "") {
			if c.ready(node.name()) && node.child("spec")["unschedulable"] != true && !tainted(node) {
				spec["nodeName"] = node.name()
				break
			}
		}
	}
	pod["spec"] = map[string]any(spec)
	status := map[string]any{"phase": "Pending", "qosClass": "BestEffort", "conditions": []any{}}
	if spec["nodeName"] != nil && spec["nodeName"] != "" {
		containers := []any{}
		for _, container := range kubeList(spec["containers"]) {
			containers = append(containers, map[string]any{
				"name": container["name"], "image": container["image"], "imageID": "", "ready": true, "started": true, "restartCount": 0,
				"state": map[string]any{"running": map[string]any{"startedAt": now()}}, "lastState": map[string]any{},
			})
		}
		status["phase"], status["startTime"], status["podIP"] = "Running", now(), fmt.Sprintf("10.42.0.%d", 2+len(c.list("pods", ""))%250)
		status["containerStatuses"] = containers
		status["conditions"] = []any{map[string]any{"type": "Ready", "status": "True", "lastTransitionTime": now()}}
	}
	pod["status"] = status
}

func tainted(node kubeObject) bool {
	return slices.ContainsFunc(kubeList(node.child("spec")["taints"]), func(taint kubeObject) bool {
		return taint["effect"] == "NoSchedule" || taint["effect"] == "NoExecute"
	})
}

// setReady changes the Ready condition of a node, with the taints that follow from it.
func (c *cluster) setReady(name, status, reason, message string) {
	node := c.get("nodes", "", name)
	if node == nil {
		return
	}
	node = node.clone()
	condition := map[string]any{
		"type": "Ready", "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now(), "lastTransitionTime": now(),
	}
	conditions := []any{}
	for _, kind := range []string{"MemoryPressure", "DiskPressure", "PIDPressure"} {
		conditions = append(conditions, map[string]any{"type": kind, "status": "False", "reason": "KubeletHasSufficient" + strings.TrimSuffix(kind, "Pressure"), "lastHeartbeatTime": now(), "lastTransitionTime": now()})
	}
	if _, isServer := node.labels()["node-role.kubernetes.io/etcd"]; isServer {
		conditions = append(conditions, voterCondition(status == "True" || node.voter()))
	}
	nodeStatus := node.child("status")
	nodeStatus["conditions"] = append(conditions, condition)
	node["status"] = map[string]any(nodeStatus)
	spec, taints := node.child("spec"), []any{}
	for _, taint := range kubeList(node.child("spec")["taints"]) {
		if key := fmt.Sprint(taint["key"]); key != "node.kubernetes.io/not-ready" && key != "node.kubernetes.io/unreachable" {
			taints = append(taints, map[string]any(taint))
		}
	}
	if key := map[string]string{"False": "node.kubernetes.io/not-ready", "Unknown": "node.kubernetes.io/unreachable"}[status]; key != "" {
		taints = append(taints, map[string]any{"key": key, "effect": "NoSchedule", "timeAdded": now()})
	}
	delete(spec, "taints")
	if len(taints) > 0 {
		spec["taints"] = taints
	}
	node["spec"] = map[string]any(spec)
	c.put("nodes", "", node)
	if status == "True" {
		c.reconcileReplicaSets()
	}
}

// voterCondition is what RKE2 and k3s say of a server's etcd member, which votes from its first readiness on.
func voterCondition(voter bool) map[string]any {
	condition := map[string]any{
		"type": "EtcdIsVoter", "status": "True", "reason": "MemberNotLearner", "message": "Node is a voting member of the etcd cluster",
		"lastHeartbeatTime": now(), "lastTransitionTime": now(),
	}
	if !voter {
		condition["status"], condition["reason"] = "False", "MemberIsLearner"
		condition["message"] = "Node has not been promoted to voting member of the etcd cluster"
	}
	return condition
}

// voter says whether a node's etcd member votes.
func (o kubeObject) voter() bool {
	return slices.ContainsFunc(kubeList(o.child("status")["conditions"]), func(condition kubeObject) bool {
		return condition["type"] == "EtcdIsVoter" && condition["status"] == "True"
	})
}

// ready says whether a node is Ready.
func (c *cluster) ready(name string) bool {
	for _, condition := range kubeList(c.get("nodes", "", name).child("status")["conditions"]) {
		if condition["type"] == "Ready" {
			return condition["status"] == "True"
		}
	}
	return false
}

func providerID(node kubeObject) string { return fmt.Sprint(node.child("spec")["providerID"]) }

// reconcileReplicaSets replaces pods that are missing and places those that wait.
func (c *cluster) reconcileReplicaSets() {
	for _, pod := range c.list("pods", "") {
		if pod.child("status")["phase"] == "Pending" {
			waiting := pod.clone()
			c.place(waiting)
			if waiting.child("status")["phase"] == "Running" {
				c.put("pods", pod.namespace(), waiting)
			}
		}
	}
	for _, set := range c.list("replicasets", "") {
		pods := slices.DeleteFunc(c.list("pods", set.namespace()), func(pod kubeObject) bool { return !pod.ownedBy(set) })
		wanted := number(set.child("spec")["replicas"])
		for range wanted - len(pods) {
			template := kubeObject(set.child("spec").child("template")).clone()
			pod := kubeObject{"apiVersion": "v1", "kind": "Pod", "spec": map[string]any(template.child("spec"))}
			pod["metadata"] = map[string]any{
				"name": set.name() + "-" + shortID(), "namespace": set.namespace(), "labels": map[string]any(template.child("metadata").child("labels")),
				"ownerReferences": []any{map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set.name(), "uid": set.uid(), "controller": true}},
			}
			c.place(pod)
			c.put("pods", set.namespace(), pod)
		}
	}
}
