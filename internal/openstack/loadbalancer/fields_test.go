package loadbalancer

import (
	"slices"
	"testing"
)

// What one object becomes from one specification to another.
func TestDiffOfNewerFields(t *testing.T) {
	t.Parallel()
	tls := func(hsts *HSTS) Spec {
		return Spec{Listeners: map[string]Listener{"web": {Protocol: ProtocolTerminatedHTTPS, ProtocolPort: 443, TLS: &ListenerTLS{DefaultContainerRef: "c", HSTS: hsts}}}}
	}
	metrics := func(tls *ListenerTLS) Spec {
		return Spec{Listeners: map[string]Listener{"m": {Protocol: ProtocolPrometheus, ProtocolPort: 9100, TLS: tls}}}
	}
	qos := func(id *string) Spec { return Spec{VIPQoSPolicyID: id} }
	ruled := func(r Rule) Spec {
		return Spec{Listeners: map[string]Listener{"web": {Protocol: ProtocolHTTP, ProtocolPort: 80, Routes: map[string]Route{
			"r": {Action: ActionReject, Rules: []Rule{r}},
		}}}}
	}
	for _, tc := range []struct {
		name       string
		have, want Spec
		lines      []string
	}{
		{"HSTS comes", tls(nil), tls(&HSTS{MaxAge: 5}), []string{`PUT listeners/L-web {"hsts_include_subdomains":false,"hsts_max_age":5,"hsts_preload":false}`}},
		{"HSTS changes as a whole", tls(&HSTS{MaxAge: 5}), tls(&HSTS{MaxAge: 5, Preload: true}), []string{`PUT listeners/L-web {"hsts_include_subdomains":false,"hsts_max_age":5,"hsts_preload":true}`}},
		{"HSTS goes", tls(&HSTS{MaxAge: 5, Preload: true}), tls(nil), []string{`PUT listeners/L-web {"hsts_include_subdomains":false,"hsts_max_age":null,"hsts_preload":false}`}},
		{"HSTS stays", tls(&HSTS{MaxAge: 5, Preload: true}), tls(&HSTS{MaxAge: 5, Preload: true}), nil},
		{"numbers with TLS", metrics(nil), metrics(&ListenerTLS{DefaultContainerRef: "c", ClientAuthentication: "NONE"}), []string{`PUT listeners/L-m {"default_tls_container_ref":"c"}`}},
		{"numbers without TLS", metrics(&ListenerTLS{DefaultContainerRef: "c", ClientAuthentication: "NONE"}), metrics(nil), []string{`PUT listeners/L-m {"default_tls_container_ref":null}`}},
		{"a QoS policy left alone", qos(new("q")), qos(nil), nil},
		{"a QoS policy taken away", qos(new("q")), qos(new("")), []string{`PUT loadbalancers/lb {"vip_qos_policy_id":null}`}},
		{"tags of a rule", ruled(Rule{Type: "PATH", CompareType: "EQUAL_TO", Value: "/"}), ruled(Rule{Type: "PATH", CompareType: "EQUAL_TO", Value: "/", Tags: []string{"b", "a"}}),
			[]string{`PUT l7policies/R-r/rules/X-r-0 {"tags":["a","b"]}`}},
		{"order of a rule's tags", ruled(Rule{Type: "PATH", CompareType: "EQUAL_TO", Value: "/", Tags: []string{"a", "b"}}),
			ruled(Rule{Type: "PATH", CompareType: "EQUAL_TO", Value: "/", Tags: []string{"b", "a"}}), nil},
		{"a rule switched off", ruled(Rule{Type: "PATH", CompareType: "EQUAL_TO", Value: "/", AdminStateUp: new(true)}),
			ruled(Rule{Type: "PATH", CompareType: "EQUAL_TO", Value: "/", AdminStateUp: new(false)}), []string{`PUT l7policies/R-r/rules/X-r-0 {"admin_state_up":false}`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := lines(t, diff(realOf(t, tc.have), tc.want)); !slices.Equal(got, tc.lines) {
				t.Errorf("got %q, want %q", got, tc.lines)
			}
		})
	}
}

// An Octavia older than 2.27 refuses a request that names HSTS at all.
func TestNoHSTSUnlessAskedFor(t *testing.T) {
	t.Parallel()
	made := listenerFields("web", Listener{Protocol: ProtocolTerminatedHTTPS, TLS: &ListenerTLS{DefaultContainerRef: "c"}}).made()
	for key := range hstsFields(nil) {
		if _, ok := made[key]; ok {
			t.Errorf("a listener without HSTS is made with %s", key)
		}
	}
}

// The statuses are those of the tree, by the keys of its specification.
func TestStatuses(t *testing.T) {
	t.Parallel()
	tree := realOf(t, example())
	tree.Pools[0].Members[0].OperatingStatus = "ERROR"
	tree.recognise(Spec{})
	s := tree.Statuses()
	if got := s.Listeners["http"].ID; got != "L-http" {
		t.Errorf("the listener is %q", got)
	}
	broken := 0
	for _, pool := range s.Pools {
		for _, member := range pool.Members {
			if member.Operating == "ERROR" {
				broken++
			}
		}
	}
	if broken != 1 || len(s.Pools) != len(example().Pools) || len(s.Listeners) != len(example().Listeners) {
		t.Errorf("%d broken members in %+v", broken, s)
	}
	if s.Pools["app"].Monitor == nil || s.Pools["app"].Monitor.ID != "H-app" {
		t.Errorf("the monitor is %+v", s.Pools["app"].Monitor)
	}
}
