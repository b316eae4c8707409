// Package edge is a node of a managed reverse proxy: Caddy as a library with a table of hosts that it reads from an object
// container, certificates that all nodes share there, and canaries by weight. Neither hosts nor upstreams reload Caddy.
package edge

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// Settings are the file that a node starts with: where its container is, and how to get in.
type Settings struct {
	Node                        string `json:"node"`
	AuthURL                     string `json:"auth_url"`
	ApplicationCredentialID     string `json:"application_credential_id"`
	ApplicationCredentialSecret string `json:"application_credential_secret"`
	Region                      string `json:"region,omitempty"`
	CACertificate               string `json:"ca_certificate,omitempty"` // PEM, of the cloud
	Insecure                    bool   `json:"insecure,omitempty"`       // take any certificate of the cloud
	Container                   string `json:"container"`
	EncryptionKey               string `json:"encryption_key"` // 32 bytes in base64

	// The addresses to listen at: "" is the default, such as :80.
	HTTP    string `json:"http,omitempty"`
	HTTPS   string `json:"https,omitempty"`
	Metrics string `json:"metrics,omitempty"` // /healthz and /metrics

	// ProxyProtocolFrom are the networks whose PROXY protocol headers are believed: the load balancer's.
	ProxyProtocolFrom []string `json:"proxy_protocol_from,omitempty"`

	// CacheDirectory is where copies lie of what was read from the container, for a start while that cannot be read; "" keeps none.
	CacheDirectory string `json:"cache_directory,omitempty"`

	PollInterval reverseproxy.Duration `json:"poll_interval,omitempty"`
	// DrainDelay is for how long a node that is asked to stop still serves while it tells the load balancer to go away.
	DrainDelay reverseproxy.Duration `json:"drain_delay,omitempty"`
	// GracePeriod is for how long requests may take to end after that.
	GracePeriod reverseproxy.Duration `json:"grace_period,omitempty"`
}

// Defaults of the settings.
const (
	DefaultHTTP         = ":80"
	DefaultHTTPS        = ":443"
	DefaultMetrics      = ":9180"
	DefaultPollInterval = 2 * time.Second
	DefaultDrainDelay   = 15 * time.Second
	DefaultGracePeriod  = 30 * time.Second
)

// ReadSettings reads and checks the file. A name that is given is the node's, whatever the file says: many nodes can share a file.
func ReadSettings(path, node string) (Settings, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings: %w", err)
	}
	settings := Settings{
		HTTP: DefaultHTTP, HTTPS: DefaultHTTPS, Metrics: DefaultMetrics,
		PollInterval: reverseproxy.Duration(DefaultPollInterval),
		DrainDelay:   reverseproxy.Duration(DefaultDrainDelay),
		GracePeriod:  reverseproxy.Duration(DefaultGracePeriod),
	}
	if err := json.Unmarshal(data, &settings); err != nil {
		return Settings{}, fmt.Errorf("read the settings %s: %w", path, err)
	}
	if node != "" {
		settings.Node = node
	}
	if err := settings.check(); err != nil {
		return Settings{}, fmt.Errorf("settings %s: %w", path, err)
	}
	return settings, nil
}

func (s Settings) check() error {
	var wrong []error
	if err := reverseproxy.CheckName(s.Node); err != nil {
		wrong = append(wrong, fmt.Errorf("node: %w", err))
	}
	if address, err := url.Parse(s.AuthURL); err != nil || address.Host == "" {
		wrong = append(wrong, fmt.Errorf("auth_url: %q is no address", s.AuthURL))
	}
	if s.ApplicationCredentialID == "" || s.ApplicationCredentialSecret == "" {
		wrong = append(wrong, errors.New("application_credential_id and application_credential_secret are needed"))
	}
	if s.Container == "" {
		wrong = append(wrong, errors.New("container is needed"))
	}
	if _, err := reverseproxy.NewCipher(s.EncryptionKey); err != nil {
		wrong = append(wrong, fmt.Errorf("encryption_key: %w", err))
	}
	for _, network := range s.ProxyProtocolFrom {
		if _, err := netip.ParsePrefix(network); err != nil {
			wrong = append(wrong, fmt.Errorf("proxy_protocol_from: %q is no network such as 10.0.0.0/24", network))
		}
	}
	for name, value := range map[string]reverseproxy.Duration{"poll_interval": s.PollInterval, "grace_period": s.GracePeriod} {
		if value <= 0 {
			wrong = append(wrong, fmt.Errorf("%s: %s is not more than 0", name, time.Duration(value)))
		}
	}
	if s.CacheDirectory != "" && !filepath.IsAbs(s.CacheDirectory) {
		wrong = append(wrong, fmt.Errorf("cache_directory: %q does not begin with /", s.CacheDirectory))
	}
	if s.DrainDelay < 0 {
		wrong = append(wrong, errors.New("drain_delay: cannot be negative"))
	}
	return errors.Join(wrong...)
}
