package loadbalancer

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// realOf is the tree that Octavia makes of a populated request: it fills in defaults and gives ids
// made of the names.
func realOf(t *testing.T, s Spec) *Tree {
	t.Helper()
	body := populated(s)
	body["id"] = "lb"
	for k, v := range map[string]any{"admin_state_up": true} {
		if _, ok := body[k]; !ok {
			body[k] = v
		}
	}
	for _, p := range some(body["pools"]) {
		p["id"] = "P-" + name(p)
		defaults(p, fields{"admin_state_up": true})
		for _, m := range some(p["members"]) {
			m["id"] = "M-" + name(m)
			defaults(m, fields{"admin_state_up": true, "weight": 1})
		}
		if hm, ok := p["healthmonitor"].(fields); ok {
			hm["id"] = "H-" + name(hm)
			defaults(hm, fields{"admin_state_up": true, "max_retries_down": 3})
			if hm["type"] == "HTTP" {
				defaults(hm, fields{"http_method": "GET", "url_path": "/", "expected_codes": "200"})
			}
		}
	}
	for _, l := range some(body["listeners"]) {
		l["id"] = "L-" + name(l)
		if ref, ok := l["default_pool"].(fields); ok {
			l["default_pool_id"] = "P-" + name(ref)
		}
		defaults(l, fields{"admin_state_up": true, "connection_limit": -1, "timeout_client_data": 50000, "timeout_member_data": 50000, "timeout_member_connect": 5000})
		for _, p := range some(l["l7policies"]) {
			p["id"] = "R-" + name(p)
			if ref, ok := p["redirect_pool"].(fields); ok {
				p["redirect_pool_id"] = "P-" + name(ref)
			}
			defaults(p, fields{"admin_state_up": true})
			if p["action"] == ActionRedirectPrefix {
				defaults(p, fields{"redirect_http_code": 302})
			}
			for i, r := range some(p["rules"]) {
				r["id"] = fmt.Sprintf("X-%s-%d", name(p), i)
			}
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	tree := &Tree{}
	if err := json.Unmarshal(raw, tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

func some(v any) []fields {
	list, _ := v.([]fields)
	return list
}

func name(f fields) string {
	s, _ := f["name"].(string)
	return s
}

func defaults(f, of fields) {
	for k, v := range of {
		if _, ok := f[k]; !ok {
			f[k] = v
		}
	}
}

// lines writes operations as "PUT pools/P-app {…}", references as <pool/app>.
func lines(t *testing.T, p plan) []string {
	t.Helper()
	var out []string
	for _, op := range p.operations {
		parent := p.ids[op.parent]
		if parent == "" {
			parent = "<" + string(op.parent) + ">"
		}
		line := op.method + " " + op.address(map[reference]string{op.parent: parent})
		if op.body != nil {
			raw, err := json.Marshal(op.body)
			if err != nil {
				t.Fatal(err)
			}
			line += " " + string(raw)
		}
		out = append(out, line)
	}
	return out
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*Spec)
		want   []string
	}{
		{"nothing", func(*Spec) {}, nil},
		{"what is not set is left alone", func(s *Spec) {
			s.AdminStateUp = nil
			l := s.Listeners["http"]
			l.ConnectionLimit, l.TimeoutClientData = nil, nil
			s.Listeners["http"] = l
		}, nil},
		{"other order of lists, other numbers for the same order", func(s *Spec) {
			s.Tags = []string{"a", "b"}
			l := s.Listeners["http"]
			l.AllowedCIDRs = []string{"10.0.0.0/8", "192.0.2.0/24"}
			r := l.Routes["old"]
			r.Position = 3
			l.Routes["old"] = r
			s.Listeners["http"] = l
		}, nil},
		{"load balancer", func(s *Spec) { s.Name, s.Tags, s.AdminStateUp = "www", nil, new(true) }, []string{
			`PUT loadbalancers/lb {"admin_state_up":true,"name":"www","tags":[]}`,
		}},
		{"a member's weight touches nothing but the pool's members", func(s *Spec) {
			m := s.Pools["app"].Members["one"]
			m.Weight = new(5)
			s.Pools["app"].Members["one"] = m
		}, []string{
			`PUT pools/P-app/members [` +
				`{"address":"10.0.0.11","admin_state_up":true,"backup":false,"monitor_address":null,"monitor_port":null,"name":"one","protocol_port":8080,"subnet_id":"subnet-2","tags":[],"weight":5},` +
				`{"address":"10.0.0.12","admin_state_up":true,"backup":true,"monitor_address":"10.0.1.12","monitor_port":8081,"name":"two","protocol_port":8080,"subnet_id":null,"tags":[],"weight":1}]`,
		}},
		{"one member more, one less", func(s *Spec) {
			delete(s.Pools["app"].Members, "one")
			s.Pools["app"].Members["three"] = Member{Address: "10.0.0.13", ProtocolPort: 8080}
		}, []string{
			`PUT pools/P-app/members [` +
				`{"address":"10.0.0.13","backup":false,"name":"three","protocol_port":8080},` +
				`{"address":"10.0.0.12","admin_state_up":true,"backup":true,"monitor_address":"10.0.1.12","monitor_port":8081,"name":"two","protocol_port":8080,"subnet_id":null,"tags":[],"weight":1}]`,
		}},
		{"no members any more", func(s *Spec) { clear(s.Pools["app"].Members) }, []string{`PUT pools/P-app/members []`}},
		{"monitor changed", func(s *Spec) { s.Pools["app"].Monitor.URLPath = "/ready"; s.Pools["app"].Monitor.DomainName = "" }, []string{
			`PUT healthmonitors/H-app {"domain_name":null,"url_path":"/ready"}`,
		}},
		{"monitor of another type", func(s *Spec) { s.Pools["static"].Monitor.Type = "PING" }, []string{
			`DELETE healthmonitors/H-static`,
			`POST healthmonitors {"delay":5,"max_retries":2,"name":"static","pool_id":"pool/static","timeout":3,"type":"PING"}`,
		}},
		{"a pool's persistence and TLS end", func(s *Spec) {
			app, static := s.Pools["app"], s.Pools["static"]
			app.SessionPersistence, static.TLS = nil, nil
			s.Pools["app"], s.Pools["static"] = app, static
		}, []string{
			`PUT pools/P-app {"session_persistence":null}`,
			`PUT pools/P-static {"tls_enabled":false}`,
		}},
		{"a new pool is filled before traffic goes there", func(s *Spec) {
			s.Pools["blue"] = Pool{
				Protocol: ProtocolHTTP, Algorithm: "SOURCE_IP",
				Members: map[string]Member{"b": {Address: "10.0.0.21", ProtocolPort: 80}},
				Monitor: &Monitor{Type: "TCP", Delay: 5, Timeout: 3, MaxRetries: 2},
			}
			l := s.Listeners["http"]
			l.DefaultPool = "blue"
			s.Listeners["http"] = l
		}, []string{
			`POST pools {"lb_algorithm":"SOURCE_IP","loadbalancer_id":"lb","name":"blue","protocol":"HTTP","tls_enabled":false}`,
			`PUT pools/<pool/blue>/members [{"address":"10.0.0.21","backup":false,"name":"b","protocol_port":80}]`,
			`POST healthmonitors {"delay":5,"max_retries":2,"name":"blue","pool_id":"pool/blue","timeout":3,"type":"TCP"}`,
			`PUT listeners/L-http {"default_pool_id":"pool/blue"}`,
		}},
		{"a pool goes after whatever uses it", func(s *Spec) {
			delete(s.Pools, "static")
			delete(s.Listeners["http"].Routes, "static")
		}, []string{
			`DELETE l7policies/R-static`,
			`DELETE pools/P-static`,
		}},
		{"a pool's other protocol makes another pool", func(s *Spec) {
			static := s.Pools["static"]
			static.Protocol, static.TLS, static.Monitor = ProtocolPROXY, nil, nil
			s.Pools["static"] = static
		}, []string{
			`POST pools {"lb_algorithm":"LEAST_CONNECTIONS","loadbalancer_id":"lb","name":"static","protocol":"PROXY","tls_enabled":false}`,
			`PUT l7policies/R-static {"redirect_pool_id":"pool/static"}`,
			`DELETE pools/P-static`,
		}},
		{"other names for the same", func(s *Spec) {
			s.Listeners["plain"] = s.Listeners["http"]
			delete(s.Listeners, "http")
			routes := s.Listeners["plain"].Routes
			routes["moved"] = routes["old"]
			delete(routes, "old")
			members := s.Pools["app"].Members
			members["first"] = members["one"]
			delete(members, "one")
		}, []string{
			`PUT pools/P-app/members [` +
				`{"address":"10.0.0.11","admin_state_up":true,"backup":false,"monitor_address":null,"monitor_port":null,"name":"first","protocol_port":8080,"subnet_id":"subnet-2","tags":[],"weight":0},` +
				`{"address":"10.0.0.12","admin_state_up":true,"backup":true,"monitor_address":"10.0.1.12","monitor_port":8081,"name":"two","protocol_port":8080,"subnet_id":null,"tags":[],"weight":1}]`,
			`PUT listeners/L-http {"name":"plain"}`,
			`PUT l7policies/R-old {"name":"moved"}`,
		}},
		{"a renamed pool is the same by its members", func(s *Spec) {
			s.Pools["application"] = s.Pools["app"]
			delete(s.Pools, "app")
			for _, key := range []string{"http", "https"} {
				l := s.Listeners[key]
				l.DefaultPool = "application"
				s.Listeners[key] = l
			}
		}, []string{
			`PUT pools/P-app {"name":"application"}`,
			`PUT healthmonitors/H-app {"name":"application"}`,
		}},
		{"a listener's other port makes another listener", func(s *Spec) {
			l := s.Listeners["https"]
			l.ProtocolPort = 8443
			s.Listeners["https"] = l
		}, []string{
			`DELETE listeners/L-https`,
			`POST listeners {"alpn_protocols":["h2","http/1.1"],"default_pool_id":"pool/app","default_tls_container_ref":"https://barbican/containers/1","loadbalancer_id":"lb","name":"https","protocol":"TERMINATED_HTTPS","protocol_port":8443,"sni_container_refs":["https://barbican/containers/2"],"tls_versions":["TLSv1.2","TLSv1.3"]}`,
		}},
		{"a listener that lets go", func(s *Spec) {
			l := s.Listeners["http"]
			l.DefaultPool, l.AllowedCIDRs, l.InsertHeaders = "", nil, nil
			s.Listeners["http"] = l
		}, []string{
			`PUT listeners/L-http {"allowed_cidrs":[],"default_pool_id":null,"insert_headers":{}}`,
		}},
		{"a new route among the others, with rules", func(s *Spec) {
			s.Listeners["http"].Routes["api"] = Route{
				Position: 15, Action: ActionRedirectToURL, RedirectURL: "https://api.example.org/",
				Rules: []Rule{{Type: "PATH", CompareType: "STARTS_WITH", Value: "/api"}, {Type: "HOST_NAME", CompareType: "EQUAL_TO", Value: "a.example.org"}},
			}
		}, []string{
			`POST l7policies {"action":"REDIRECT_TO_URL","listener_id":"listener/http","name":"api","position":2,"redirect_url":"https://api.example.org/"}`,
			`POST l7policies/<route/http/api>/rules {"compare_type":"STARTS_WITH","invert":false,"type":"PATH","value":"/api"}`,
			`POST l7policies/<route/http/api>/rules {"compare_type":"EQUAL_TO","invert":false,"type":"HOST_NAME","value":"a.example.org"}`,
		}},
		{"the last route becomes the first", func(s *Spec) {
			r := s.Listeners["http"].Routes["static"]
			r.Position = 1
			s.Listeners["http"].Routes["static"] = r
		}, []string{
			`PUT l7policies/R-static {"position":1}`,
		}},
		{"a route does something else", func(s *Spec) {
			r := s.Listeners["http"].Routes["static"]
			r.Action, r.RedirectPool = ActionReject, ""
			s.Listeners["http"].Routes["static"] = r
		}, []string{
			`PUT l7policies/R-static {"action":"REJECT"}`,
		}},
		{"a rule changes in place, one is added", func(s *Spec) {
			r := s.Listeners["http"].Routes["old"]
			r.Rules = []Rule{
				{Type: "HEADER", CompareType: "EQUAL_TO", Key: "X-Old", Value: "2", Invert: true},
				{Type: "FILE_TYPE", CompareType: "EQUAL_TO", Value: "gif"},
			}
			s.Listeners["http"].Routes["old"] = r
		}, []string{
			`PUT l7policies/R-old/rules/X-old-0 {"value":"2"}`,
			`POST l7policies/R-old/rules {"compare_type":"EQUAL_TO","invert":false,"type":"FILE_TYPE","value":"gif"}`,
		}},
		{"a rule goes", func(s *Spec) {
			r := s.Listeners["http"].Routes["old"]
			r.Rules = nil
			s.Listeners["http"].Routes["old"] = r
		}, []string{
			`DELETE l7policies/R-old/rules/X-old-0`,
		}},
		{"everything goes", func(s *Spec) { s.Listeners, s.Pools = nil, nil }, []string{
			`DELETE listeners/L-http`, `DELETE listeners/L-https`, `DELETE pools/P-app`, `DELETE pools/P-static`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := example()
			tc.change(&want)
			got := lines(t, diff(realOf(t, example()), want))
			if !slices.Equal(got, tc.want) {
				t.Errorf("got")
				for _, line := range got {
					t.Errorf("  %s", line)
				}
			}
		})
	}
}

// What a tree is read back as must need no change, also after it was renamed by somebody else.
func TestSpecOfTree(t *testing.T) {
	t.Parallel()
	tree := realOf(t, example())
	tree.recognise(Spec{})
	spec := tree.Spec()
	if !slices.Equal(keys(spec.Listeners), []string{"http", "https"}) || !slices.Equal(keys(spec.Pools["app"].Members), []string{"one", "two"}) {
		t.Errorf("the names are not the keys: %v, %v", keys(spec.Listeners), keys(spec.Pools["app"].Members))
	}
	if got := lines(t, diff(tree, spec)); len(got) > 0 {
		t.Errorf("changes: %v", got)
	}
	again := realOf(t, spec)
	again.recognise(Spec{})
	if !reflect.DeepEqual(again.Spec(), spec) {
		t.Errorf("got\n%+v, want\n%+v", again.Spec(), spec)
	}
}

func TestForeignNames(t *testing.T) {
	t.Parallel()
	tree := &Tree{
		Listeners: []listener{
			{object: object{ID: "1"}, Protocol: ProtocolHTTP, ProtocolPort: 80},
			{object: object{ID: "2", Name: "same"}, Protocol: ProtocolTCP, ProtocolPort: 81},
			{object: object{ID: "3", Name: "same"}, Protocol: ProtocolTCP, ProtocolPort: 82},
		},
		Pools: []pool{{object: object{ID: "4"}, Members: []member{
			{object: object{ID: "5"}, Address: "10.0.0.1", ProtocolPort: 80}, {object: object{ID: "6", Name: "b"}, Address: "10.0.0.2", ProtocolPort: 80},
		}}},
	}
	tree.recognise(Spec{Listeners: map[string]Listener{"mine": {Protocol: ProtocolTCP, ProtocolPort: 82}}})
	spec := tree.Spec()
	if want := []string{"http-80", "mine", "same"}; !slices.Equal(keys(spec.Listeners), want) {
		t.Errorf("listeners are called %v, want %v", keys(spec.Listeners), want)
	}
	if want := []string{"10.0.0.1-80", "b"}; !slices.Equal(keys(spec.Pools["pool-4"].Members), want) {
		t.Errorf("members are called %v, want %v", keys(spec.Pools["pool-4"].Members), want)
	}
}
