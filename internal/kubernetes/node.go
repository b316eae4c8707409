package kubernetes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Role is what a node does in its cluster.
type Role string

// The roles of nodes.
const (
	RoleServer Role = "server"
	RoleAgent  Role = "agent"
)

// CloudProviderExternal leaves node addresses, zones and load balancers to a
// controller that the user installs; CloudProviderEmbedded keeps the
// distribution's own, which knows nothing of the cloud.
const (
	CloudProviderExternal = "external"
	CloudProviderEmbedded = "embedded"
)

// Settings are those parts of a configuration that every server of a cluster shares.
type Settings struct {
	ClusterCIDR   string
	ServiceCIDR   string
	CNI           string
	Disable       []string
	TLSSANs       []string
	CloudProvider string
	Snapshots     *Snapshots
}

// Snapshots says when etcd is saved and how many saves are kept.
type Snapshots struct {
	Schedule  string
	Retention int64
}

// Install says where a release comes from.
type Install struct {
	// URL is the folder that holds the folders of the releases; empty is the
	// distribution's own.
	URL string
	// SHA256 is the artifact's checksum; when empty, the release's list of checksums is used.
	SHA256 string
}

// Node is all that the configuration of one node is made of.
type Node struct {
	Name    string
	Version Version
	Role    Role
	// First marks the server that founds the cluster.
	First bool
	// Token is what the node joins with; a server's and an agent's are not the same.
	Token string
	// AgentToken is what servers let agents join with. Agents have none.
	AgentToken string
	// Registration is the address of the servers, such as https://10.0.0.5:9345.
	Registration string
	Settings     Settings
	Labels       map[string]string
	Taints       []string
	// Extra is merged into the configuration as the user wrote it.
	Extra   map[string]any
	Install Install
	// Seed are the files of server/tls, for the first server only.
	Seed map[string]string
	// Manifests are applied by the servers, by file name.
	Manifests map[string]string
}

// RegistrationPort is where nodes register.
func (d Distribution) RegistrationPort() int {
	if d == RKE2 {
		return 9345
	}
	return APIPort
}

// APIPort is where the Kubernetes API listens.
const APIPort = 6443

// snapshotSecret is the Secret in kube-system that holds where snapshots go.
const snapshotSecret = "massif-etcd-snapshot-s3"

// Config renders the distribution's config.yaml.
func (n Node) Config() (string, error) {
	config := map[string]any{
		"node-name": n.Name,
		"token":     n.Token,
	}
	if n.Role == RoleAgent || !n.First {
		config["server"] = n.Registration
	}
	if n.Role == RoleServer {
		n.serverConfig(config)
	}
	if n.Settings.CloudProvider == CloudProviderExternal {
		n.externalCloudProvider(config)
	}
	if len(n.Labels) > 0 {
		labels := make([]string, 0, len(n.Labels))
		for _, key := range slices.Sorted(maps.Keys(n.Labels)) {
			labels = append(labels, key+"="+n.Labels[key])
		}
		config["node-label"] = labels
	}
	if len(n.Taints) > 0 {
		config["node-taint"] = n.Taints
	}
	for key, value := range n.Extra {
		if list, ok := config[key].([]string); ok && slices.Contains(mergeableKeys(), key) {
			config[key] = appendValues(list, value)
			continue
		}
		config[key] = value
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("render the configuration of %s: %w", n.Name, err)
	}
	return string(text), nil
}

func (n Node) serverConfig(config map[string]any) {
	settings := n.Settings
	config["agent-token"] = n.AgentToken
	if n.First && n.Version.Distribution == K3s {
		config["cluster-init"] = true
	}
	if len(settings.TLSSANs) > 0 {
		config["tls-san"] = settings.TLSSANs
	}
	if settings.ClusterCIDR != "" {
		config["cluster-cidr"] = settings.ClusterCIDR
	}
	if settings.ServiceCIDR != "" {
		config["service-cidr"] = settings.ServiceCIDR
	}
	switch {
	case settings.CNI == "":
	case n.Version.Distribution == RKE2:
		config["cni"] = settings.CNI
	case settings.CNI == "none":
		config["flannel-backend"] = "none"
		config["disable-network-policy"] = true
	}
	if len(settings.Disable) > 0 {
		config["disable"] = settings.Disable
	}
	if snapshots := settings.Snapshots; snapshots != nil {
		config["etcd-snapshot-schedule-cron"] = snapshots.Schedule
		config["etcd-snapshot-retention"] = snapshots.Retention
		config["etcd-s3"] = true
		config["etcd-s3-config-secret"] = snapshotSecret
	}
}

func (n Node) externalCloudProvider(config map[string]any) {
	if n.Version.Distribution == RKE2 {
		config["cloud-provider-name"] = CloudProviderExternal
	} else {
		config["kubelet-arg"] = []string{"cloud-provider=external"}
	}
	if n.Role == RoleServer {
		config["disable-cloud-controller"] = true
	}
}

// mergeableKeys are those that both this package and the user may set.
func mergeableKeys() []string {
	return []string{"node-label", "node-taint", "kubelet-arg"}
}

// managedKeys are those that would break a cluster if two hands wrote them.
func managedKeys() []string {
	return []string{
		"node-name", "token", "token-file", "agent-token", "agent-token-file", "server", "cluster-init", "cluster-reset",
		"tls-san", "cluster-cidr", "service-cidr", "cni", "flannel-backend", "disable-network-policy", "disable", "data-dir",
		"cloud-provider-name", "disable-cloud-controller", "etcd-snapshot-schedule-cron", "etcd-snapshot-retention",
		"etcd-s3", "etcd-s3-config-secret", "datastore-endpoint", "disable-etcd", "with-node-id",
	}
}

func appendValues(list []string, value any) []string {
	if items, ok := value.([]any); ok {
		for _, item := range items {
			list = append(list, fmt.Sprint(item))
		}
		return list
	}
	return append(list, fmt.Sprint(value))
}

// ParseExtraConfig reads the user's own part of config.yaml.
func ParseExtraConfig(text string) (map[string]any, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no text, no keys
	}
	var extra map[string]any
	if err := yaml.Unmarshal([]byte(text), &extra); err != nil {
		return nil, fmt.Errorf("not a YAML map of config.yaml's keys, such as yamlencode({ \"kube-apiserver-arg\" = [...] }): %w", err)
	}
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		if slices.Contains(managedKeys(), key) {
			return nil, fmt.Errorf("%s is set by the provider; use the attribute that stands for it", key)
		}
		if strings.HasPrefix(key, "etcd-s3-") {
			return nil, fmt.Errorf("%s is set by the provider; use the attribute backup", key)
		}
	}
	return extra, nil
}

// CNIs are the network plugins that a distribution can install.
func (d Distribution) CNIs() []string {
	if d == RKE2 {
		return []string{"canal", "cilium", "calico", "flannel", "none"}
	}
	return []string{"flannel", "none"}
}
