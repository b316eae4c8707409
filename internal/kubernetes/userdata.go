package kubernetes

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed scripts/bootstrap.sh
var bootstrapScript string

// MaxUserData is how many bytes of base64 Nova takes as user data.
const MaxUserData = 65535

// stateDir is where a node keeps what only its bootstrap needs.
const stateDir = "/var/lib/massif"

type cloudConfig struct {
	WriteFiles []cloudFile `yaml:"write_files"`
	RunCmd     [][]string  `yaml:"runcmd"`
}

type cloudFile struct {
	Path        string `yaml:"path"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
}

// UserData renders what cloud-init makes a node of. It is compressed when Nova
// would not take it plain, and refused when even that is too large.
func (n Node) UserData() ([]byte, error) {
	config, err := n.Config()
	if err != nil {
		return nil, err
	}
	files := []cloudFile{
		{path.Join("/etc/rancher", string(n.Version.Distribution), "config.yaml"), "0600", config},
		{path.Join(stateDir, "node.env"), "0600", n.environment()},
		{path.Join(stateDir, "bootstrap.sh"), "0700", bootstrapScript},
	}
	if n.Version.Distribution == K3s {
		files = append(files, cloudFile{path.Join("/etc/systemd/system", n.service()+".service"), "0644", k3sUnit(n.Role)})
	}
	if n.Role == RoleServer {
		for _, name := range slices.Sorted(maps.Keys(n.Manifests)) {
			files = append(files, cloudFile{path.Join(stateDir, "seed/manifests", name), "0600", n.Manifests[name]})
		}
	}
	if n.Role == RoleServer && n.First {
		for _, name := range slices.Sorted(maps.Keys(n.Seed)) {
			files = append(files, cloudFile{path.Join(stateDir, "seed/tls", name), "0600", n.Seed[name]})
		}
	}
	body, err := yaml.Marshal(cloudConfig{
		WriteFiles: files,
		RunCmd:     [][]string{{path.Join(stateDir, "bootstrap.sh")}},
	})
	if err != nil {
		return nil, fmt.Errorf("render the user data of %s: %w", n.Name, err)
	}
	return fitUserData(append([]byte("#cloud-config\n"), body...))
}

func fitUserData(plain []byte) ([]byte, error) {
	if base64.StdEncoding.EncodedLen(len(plain)) <= MaxUserData {
		return plain, nil
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write(plain); err != nil {
		return nil, fmt.Errorf("compress user data: %w", err)
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("compress user data: %w", err)
	}
	if size := base64.StdEncoding.EncodedLen(packed.Len()); size > MaxUserData {
		return nil, fmt.Errorf("the node's user data has %d bytes even when compressed; Nova takes %d: shorten extra_config", size, MaxUserData)
	}
	return packed.Bytes(), nil
}

// environment is what the bootstrap script reads.
func (n Node) environment() string {
	first := "no"
	if n.First {
		first = "yes"
	}
	var text strings.Builder
	for _, variable := range [][2]string{
		{"DISTRIBUTION", string(n.Version.Distribution)},
		{"VERSION", n.Version.String()},
		{"SERVICE", n.service()},
		{"FIRST", first},
		{"REGISTRATION", n.Registration},
		{"SOURCE", n.source()},
		{"SHA256", n.Install.SHA256},
	} {
		fmt.Fprintf(&text, "%s='%s'\n", variable[0], strings.ReplaceAll(variable[1], "'", `'\''`))
	}
	return text.String()
}

// source is the folder of the node's release.
func (n Node) source() string {
	base := n.Install.URL
	if base == "" {
		base = "https://github.com/rancher/rke2/releases/download"
		if n.Version.Distribution == K3s {
			base = "https://github.com/k3s-io/k3s/releases/download"
		}
	}
	// A plus sign is a space to many object stores, so it is always escaped.
	return strings.TrimSuffix(base, "/") + "/" + url.QueryEscape(n.Version.String())
}

func (n Node) service() string {
	switch {
	case n.Version.Distribution == RKE2:
		return "rke2-" + string(n.Role)
	case n.Role == RoleAgent:
		return "k3s-agent"
	}
	return "k3s"
}

// k3sUnit is the service of k3s, whose releases hold nothing but the program.
func k3sUnit(role Role) string {
	kind := "notify"
	if role == RoleAgent {
		kind = "exec"
	}
	return `[Unit]
Description=Lightweight Kubernetes
Wants=network-online.target
After=network-online.target

[Service]
Type=` + kind + `
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/k3s ` + string(role) + `
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s

[Install]
WantedBy=multi-user.target
`
}

// AdminManifest binds the group of the admin certificates to cluster-admin.
func AdminManifest() string {
	return `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: massif-admins
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: ` + AdminGroup + "\n"
}
