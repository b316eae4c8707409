package loadbalancer

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

func TestLab(t *testing.T) {
	if os.Getenv("OS_CLOUD") == "" {
		t.Skip()
	}
	raw, _ := os.ReadFile("/tmp/lbx/ids")
	subnet := strings.Fields(string(raw))[1]
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cloud, err := openstack.Open(ctx, openstack.Config{Auth: gophercloud.AuthOptions{
		IdentityEndpoint: "http://127.0.0.1:15000/v3", Username: "demo", Password: "oslab", DomainName: "Default",
		Scope: &gophercloud.AuthScope{ProjectName: "demo", DomainName: "Default"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("CHILDREN") != "" {
		cloud.Learn(childByChild)
	}
	s := example()
	s.Name, s.VIPSubnetID, s.AdminStateUp = "lbeng-tree", subnet, nil
	delete(s.Listeners, "https")
	st := s.Pools["static"]
	st.TLS = nil
	s.Pools["static"] = st
	one := s.Pools["app"].Members["one"]
	one.SubnetID = subnet
	one.Address = "10.77.0.11"
	s.Pools["app"].Members["one"] = one
	s.Listeners["tcp"] = Listener{Protocol: "TCP", ProtocolPort: 6443, DefaultPool: "k8s"}
	s.Pools["k8s"] = Pool{Protocol: "TCP", Algorithm: "ROUND_ROBIN", Monitor: &Monitor{Type: "TCP", Delay: 5, Timeout: 3, MaxRetries: 2}, Members: map[string]Member{"a": {Address: "10.77.0.31", ProtocolPort: 6443}, "b": {Address: "10.77.0.32", ProtocolPort: 6443}}}
	began, count := time.Now(), cloud.RequestCount()
	note := func(what string) {
		fmt.Printf("%-40s %6.1f s %4d requests\n", what, time.Since(began).Seconds(), cloud.RequestCount()-count)
		began, count = time.Now(), cloud.RequestCount()
	}
	tree, err := Create(ctx, cloud, s)
	if err != nil {
		t.Fatal(err)
	}
	note("create")
	id := tree.ID
	defer func() {
		if err := Delete(context.Background(), cloud, id, "x"); err != nil {
			t.Error(err)
		}
		note("delete")
	}()
	if tree, err = Settle(ctx, cloud, tree, s, func(string) { t.Error("moved") }); err != nil {
		t.Fatal(err)
	}
	note("settle")
	same := func() {
		t.Helper()
		fresh, err := Read(ctx, cloud, tree.ID, s)
		if err != nil {
			t.Fatal(err)
		}
		note("read")
		if d := lines(t, diff(fresh, s)); len(d) > 0 {
			t.Errorf("not the same: %v", d)
		}
		if d := lines(t, diff(tree, s)); len(d) > 0 {
			t.Errorf("returned tree not the same: %v", d)
		}
	}
	same()
	change := func(what string, f func()) {
		t.Helper()
		f()
		if tree, err = Apply(ctx, cloud, tree.ID, s); err != nil {
			t.Fatal(what, err)
		}
		note(what)
		same()
	}
	change("weight", func() { m := s.Pools["app"].Members["one"]; m.Weight = new(3); s.Pools["app"].Members["one"] = m })
	change("subnet away", func() { m := s.Pools["app"].Members["one"]; m.SubnetID = ""; s.Pools["app"].Members["one"] = m })
	change("new listener, pool, route", func() {
		s.Pools["new"] = Pool{Protocol: "HTTP", Algorithm: "LEAST_CONNECTIONS", Members: map[string]Member{"x": {Address: "10.77.0.40", ProtocolPort: 80}}, Monitor: &Monitor{Type: "PING", Delay: 5, Timeout: 3, MaxRetries: 2}}
		s.Listeners["new"] = Listener{Protocol: "HTTP", ProtocolPort: 8080, DefaultPool: "new", Routes: map[string]Route{
			"r": {Position: 1, Action: ActionRedirectToPool, RedirectPool: "static", Rules: []Rule{{Type: "PATH", CompareType: "EQUAL_TO", Value: "/r"}}}, "q": {Position: 0, Action: ActionReject, Rules: []Rule{{Type: "COOKIE", Key: "k", CompareType: "REGEX", Value: "^x"}}}}}
	})
	change("reorder, rules", func() {
		r := s.Listeners["http"].Routes["static"]
		r.Position = 1
		r.Rules = []Rule{{Type: "PATH", CompareType: "STARTS_WITH", Value: "/statics"}, {Type: "FILE_TYPE", CompareType: "EQUAL_TO", Value: "gif"}}
		s.Listeners["http"].Routes["static"] = r
	})
	change("rule away, action", func() {
		r := s.Listeners["http"].Routes["static"]
		r.Action, r.RedirectPool, r.RedirectURL = ActionRedirectToURL, "", "https://x.example.org/"
		r.Rules = r.Rules[1:]
		s.Listeners["http"].Routes["static"] = r
	})
	change("clear", func() {
		l := s.Listeners["http"]
		l.DefaultPool, l.AllowedCIDRs, l.InsertHeaders = "", nil, nil
		s.Listeners["http"] = l
		p := s.Pools["app"]
		p.SessionPersistence = nil
		p.Monitor.DomainName = ""
		s.Pools["app"] = p
		s.Tags = nil
	})
	change("members away", func() { clear(s.Pools["app"].Members) })
	change("pool protocol, port, monitor type", func() {
		p := s.Pools["new"]
		p.Protocol = "PROXY"
		p.Monitor.Type = "TCP"
		s.Pools["new"] = p
		l := s.Listeners["tcp"]
		l.ProtocolPort = 6444
		s.Listeners["tcp"] = l
	})
	change("rename", func() {
		s.Listeners["t"] = s.Listeners["tcp"]
		delete(s.Listeners, "tcp")
		s.Pools["k"] = s.Pools["k8s"]
		delete(s.Pools, "k8s")
		l := s.Listeners["t"]
		l.DefaultPool = "k"
		s.Listeners["t"] = l
	})
	change("all away", func() { s.Listeners, s.Pools = nil, nil })
}
