package loadbalancer

import (
	"encoding/json"
	"os"
	"testing"
)

// example has every kind of object and of reference between them.
func example() Spec {
	return Spec{
		Name: "web", VIPSubnetID: "subnet-1", Tags: []string{"b", "a"}, AdminStateUp: new(false),
		Listeners: map[string]Listener{
			"http": {
				Protocol: ProtocolHTTP, ProtocolPort: 80, DefaultPool: "app", ConnectionLimit: new(1000),
				AllowedCIDRs: []string{"192.0.2.0/24", "10.0.0.0/8"}, InsertHeaders: map[string]string{"X-Forwarded-For": "true"},
				TimeoutClientData: new(0),
				Routes: map[string]Route{
					"static": {
						Position: 20, Action: ActionRedirectToPool, RedirectPool: "static",
						Rules: []Rule{{Type: "PATH", CompareType: "STARTS_WITH", Value: "/static"}},
					},
					"old": {
						Position: 10, Action: ActionRedirectPrefix, RedirectPrefix: "https://new.example.org", RedirectHTTPCode: new(308),
						Rules: []Rule{{Type: "HEADER", CompareType: "EQUAL_TO", Key: "X-Old", Value: "1", Invert: true}},
					},
					"blocked": {Position: 20, Action: ActionReject, AdminStateUp: new(false)},
				},
			},
			"https": {
				Protocol: ProtocolTerminatedHTTPS, ProtocolPort: 443, DefaultPool: "app",
				TLS: &ListenerTLS{
					DefaultContainerRef: "https://barbican/containers/1", SNIContainerRefs: []string{"https://barbican/containers/2"},
					Versions: []string{"TLSv1.3", "TLSv1.2"}, ALPNProtocols: []string{"http/1.1", "h2"},
				},
			},
		},
		Pools: map[string]Pool{
			"app": {
				Protocol: ProtocolHTTP, Algorithm: "ROUND_ROBIN",
				SessionPersistence: &SessionPersistence{Type: "APP_COOKIE", CookieName: "sid"},
				Members: map[string]Member{
					"one": {Address: "10.0.0.11", ProtocolPort: 8080, Weight: new(0), SubnetID: "subnet-2"},
					"two": {Address: "10.0.0.12", ProtocolPort: 8080, Backup: true, MonitorAddress: "10.0.1.12", MonitorPort: new(8081)},
				},
				Monitor: &Monitor{Type: "HTTP", Delay: 5, Timeout: 3, MaxRetries: 2, URLPath: "/healthz", HTTPVersion: "1.1", DomainName: "app.example.org"},
			},
			"static": {
				Protocol: ProtocolHTTP, Algorithm: "LEAST_CONNECTIONS", TLS: &PoolTLS{CAContainerRef: "https://barbican/secrets/3"},
				Monitor: &Monitor{Type: "TCP", Delay: 5, Timeout: 3, MaxRetries: 2, URLPath: "/ignored"},
			},
		},
	}
}

func TestPopulated(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(populated(example()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/populated.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("got\n%s", got)
	}
}

func TestPopulatedOfNothing(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(populated(Spec{Name: "web", VIPNetworkID: "network-1"}))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"name":"web","vip_network_id":"network-1"}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
