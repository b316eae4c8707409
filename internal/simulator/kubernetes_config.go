package simulator

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// nodeConfig is what the user data of a server makes of it: a node of RKE2 or k3s.
type nodeConfig struct {
	Distribution string // "rke2" or "k3s"
	Version      string
	Name         string // "" for the host name
	Agent        bool
	Join         string // URL of the servers, "" to found a cluster
	Token        string
	AgentToken   string
	SANs         []string
	Labels       []string
	Taints       []string
	TLS          map[string]string // files of server/tls by their path below it
	Manifests    []string
}

// releasePattern finds the release that user data installs.
var releasePattern = regexp.MustCompile(`v\d+\.\d+\.\d+(-[a-z0-9.]+)?(\+|%2B)(rke2r|k3s)\d+`)

// parseUserData reads user data. It returns nil when that does not configure RKE2 or k3s.
func parseUserData(data []byte) (*nodeConfig, error) {
	data, err := unzipped(data)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("#cloud-config")) {
		return nil, nil // other user data is no node
	}
	files, err := writtenFiles(data)
	if err != nil {
		return nil, err
	}
	config := &nodeConfig{TLS: map[string]string{}}
	settings := map[string]any{}
	everything := strings.Builder{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content := files[name]
		everything.WriteString(content + "\n")
		if distribution, ok := configOf(name); ok {
			config.Distribution = distribution
			var part map[string]any
			if err := yaml.Unmarshal([]byte(content), &part); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			maps.Copy(settings, part)
		}
		if key, ok := tlsFile(name); ok {
			config.TLS[key] = content
		}
		if path.Base(path.Dir(name)) == "manifests" {
			config.Manifests = append(config.Manifests, content)
		}
	}
	if config.Distribution == "" {
		return nil, nil // other cloud-config is no node
	}
	config.read(settings)
	config.Version = strings.Replace(releasePattern.FindString(everything.String()+string(data)), "%2B", "+", 1)
	if config.Version == "" {
		config.Version = map[string]string{"rke2": "v1.34.1+rke2r1", "k3s": "v1.34.1+k3s1"}[config.Distribution]
	}
	return config, nil
}

func unzipped(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}

// writtenFiles are the files that cloud-init would write, by path.
func writtenFiles(data []byte) (map[string]string, error) {
	var document struct {
		WriteFiles []struct {
			Path     string `yaml:"path"`
			Content  string `yaml:"content"`
			Encoding string `yaml:"encoding"`
		} `yaml:"write_files"`
	}
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("cloud-config: %w", err)
	}
	files := map[string]string{}
	for _, file := range document.WriteFiles {
		content := []byte(file.Content)
		var err error
		if encoding := strings.ToLower(file.Encoding); strings.Contains(encoding, "b64") || strings.Contains(encoding, "base64") {
			content, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(file.Content), ""))
		}
		if err == nil && strings.HasPrefix(strings.ToLower(file.Encoding), "gz") {
			content, err = unzipped(content)
		}
		if err != nil {
			return nil, fmt.Errorf("cloud-config: %s: %w", file.Path, err)
		}
		files[file.Path] = string(content)
	}
	return files, nil
}

// configOf says whether a file configures a distribution, and which.
func configOf(name string) (string, bool) {
	for _, distribution := range []string{"rke2", "k3s"} {
		folder := "/etc/rancher/" + distribution
		if name == folder+"/config.yaml" || path.Dir(name) == folder+"/config.yaml.d" && strings.HasSuffix(name, ".yaml") {
			return distribution, true
		}
	}
	return "", false
}

// tlsFiles are what a first server needs to have, below server/tls.
func tlsFiles() []string {
	return []string{
		"server-ca.crt", "server-ca.key", "client-ca.crt", "client-ca.key", "request-header-ca.crt", "request-header-ca.key",
		"etcd/server-ca.crt", "etcd/server-ca.key", "etcd/peer-ca.crt", "etcd/peer-ca.key", "service.key",
	}
}

func tlsFile(name string) (string, bool) {
	key := path.Base(name)
	if path.Base(path.Dir(name)) == "etcd" {
		key = "etcd/" + key
	}
	return key, slices.Contains(tlsFiles(), key)
}

func (n *nodeConfig) read(settings map[string]any) {
	get := func(key string) string {
		if settings[key] == nil {
			return ""
		}
		return fmt.Sprint(settings[key])
	}
	list := func(key string) []string {
		switch value := settings[key].(type) {
		case nil:
			return nil
		case []any:
			texts := []string{}
			for _, item := range value {
				texts = append(texts, fmt.Sprint(item))
			}
			return texts
		default:
			return strings.Split(fmt.Sprint(value), ",")
		}
	}
	n.Name, n.Join, n.Token, n.AgentToken = get("node-name"), get("server"), get("token"), get("agent-token")
	n.SANs, n.Labels, n.Taints = list("tls-san"), list("node-label"), list("node-taint")
	// Nothing in the file names the role; a server's configuration has what an agent's never has.
	serverKeys := []string{"agent-token", "cluster-init", "tls-san", "cni", "cluster-cidr", "service-cidr", "disable"}
	n.Agent = n.Join != "" && !slices.ContainsFunc(serverKeys, func(key string) bool { return settings[key] != nil })
}

// supervisorPort is where nodes of a distribution register.
func supervisorPort(distribution string) int {
	if distribution == "rke2" {
		return 9345
	}
	return apiPort
}

// apiPort is where the Kubernetes API listens.
const apiPort = 6443

// joinToken is a token taken apart: K10<hash>::<user>:<secret>, or the secret alone.
type joinToken struct {
	hash, user, secret string
}

func parseJoinToken(token string) joinToken {
	rest, ok := strings.CutPrefix(token, "K10")
	hash, credentials, found := strings.Cut(rest, "::")
	if !ok || !found {
		return joinToken{secret: token}
	}
	user, secret, found := strings.Cut(credentials, ":")
	if !found {
		return joinToken{hash: hash, secret: credentials}
	}
	return joinToken{hash: hash, user: user, secret: secret}
}

// certificates reads the certificates of a PEM bundle.
func certificates(bundle string) ([]*x509.Certificate, error) {
	found := []*x509.Certificate{}
	rest := []byte(bundle)
	for {
		block, next := pem.Decode(rest)
		if block == nil {
			return found, nil
		}
		rest = next
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found = append(found, certificate)
	}
}

// caHash is what a token says of its cluster: the SHA-256 of the root that ends the server CA's chain.
func caHash(bundle string) (string, error) {
	chain, err := certificates(bundle)
	if err != nil {
		return "", err
	}
	if len(chain) == 0 {
		return "", fmt.Errorf("no certificate in server-ca.crt")
	}
	sum := sha256.Sum256(chain[len(chain)-1].Raw)
	return hex.EncodeToString(sum[:]), nil
}
