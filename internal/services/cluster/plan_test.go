package cluster

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/fleet"
)

// settled is a cluster as its create leaves it, with a certificate of some age.
func settled(t *testing.T, age time.Duration) *clusterModel {
	t.Helper()
	bundle, err := kubernetes.NewBundle("prod", time.Now().Add(-age))
	if err != nil {
		t.Fatal(err)
	}
	admin, err := bundle.NewAdminCertificate(time.Now().Add(-age))
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := json.Marshal(bundle)
	if err != nil {
		t.Fatal(err)
	}
	m := &clusterModel{
		Name: types.StringValue("prod"), KubernetesVersion: types.StringValue("v1.34.1+rke2r1"),
		VIPAddress: types.StringValue("10.2.1.9"), Endpoint: types.StringValue("https://203.0.113.9:6443"), LoadBalancerID: types.StringValue("lb"),
		CloudProvider: types.StringValue("external"), Secrets: types.StringValue(string(secrets)), CACertificate: types.StringValue(bundle.ServerCA.Certificate),
		ClientCertificate: types.StringValue(admin.Certificate), ClientKey: types.StringValue(admin.Key),
	}
	m.ID = types.StringValue("id")
	version, err := kubernetes.ParseVersion(m.KubernetesVersion.ValueString())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.publish(t.Context(), bundle, version); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCertificatesAreRenewedByThePlan(t *testing.T) {
	day := 24 * time.Hour
	for _, test := range []struct {
		age   time.Duration
		renew bool
	}{{0, false}, {59 * day, false}, {61 * day, true}, {100 * day, true}} {
		prior := settled(t, test.age)
		plan := *prior
		h := cluster{newJoins()}
		if err := h.planAccess(t.Context(), &plan, prior); err != nil {
			t.Fatal(err)
		}
		if plan.Kubeconfig.IsUnknown() != test.renew || plan.ClientKey.IsUnknown() != test.renew || plan.Join.IsUnknown() != test.renew {
			t.Errorf("after %s: kubeconfig unknown %t, want %t", test.age, plan.Kubeconfig.IsUnknown(), test.renew)
		}
		if join, ok := h.known.get(plan.ID); !ok || join.IsUnknown() != test.renew {
			t.Errorf("after %s: pools are told %v", test.age, join)
		}
		if !plan.LoadBalancerID.Equal(prior.LoadBalancerID) || !plan.Endpoint.Equal(prior.Endpoint) {
			t.Errorf("after %s: the plan changes what a renewal does not", test.age)
		}
	}
}

func TestPoolsLearnTheVersionOfThePlan(t *testing.T) {
	prior := settled(t, 0)
	plan := *prior
	plan.KubernetesVersion = types.StringValue("v1.35.0+rke2r1")
	h := cluster{newJoins()}
	if err := h.planAccess(t.Context(), &plan, prior); err != nil {
		t.Fatal(err)
	}
	object, _ := h.known.get(plan.ID)
	join, err := decode[joinModel](t.Context(), object)
	if err != nil || join.KubernetesVersion.ValueString() != "v1.35.0+rke2r1" {
		t.Errorf("%v, %v", join.KubernetesVersion, err)
	}
}

func TestLostLoadBalancerIsPlanned(t *testing.T) {
	prior := settled(t, 0)
	prior.LoadBalancerID = types.StringNull()
	plan := *prior
	if err := (cluster{newJoins()}).planAccess(t.Context(), &plan, prior); err != nil {
		t.Fatal(err)
	}
	if !plan.LoadBalancerID.IsUnknown() || !plan.Endpoint.Equal(prior.Endpoint) {
		t.Errorf("load balancer %v, endpoint %v", plan.LoadBalancerID, plan.Endpoint)
	}
}

func TestEntrance(t *testing.T) {
	e := entrance{
		name: "prod", distribution: kubernetes.RKE2, subnet: subnets.Subnet{ID: "s", CIDR: "10.2.1.0/24", IPVersion: 4},
		members: map[string]string{"a": "10.2.1.5"},
	}
	spec := e.spec()
	if len(spec.Listeners) != 2 || len(spec.Pools) != 2 || len(spec.Listeners[apiKey].AllowedCIDRs) != 0 {
		t.Errorf("%+v", spec.Listeners)
	}
	if got := spec.Listeners[registrationKey]; got.ProtocolPort != 9345 || !slices.Equal(got.AllowedCIDRs, privateRanges(false)) {
		t.Errorf("registration is open: %+v", got)
	}
	if got := spec.Pools[registrationKey].Members["a"]; got.Address != "10.2.1.5" || got.ProtocolPort != 9345 {
		t.Errorf("member %+v", got)
	}

	e.allowedCIDRs = []string{"203.0.113.7/32"}
	if got := e.spec().Listeners[apiKey].AllowedCIDRs; !slices.Equal(got, append([]string{"203.0.113.7/32"}, privateRanges(false)...)) {
		t.Errorf("nodes are locked out of the API: %v", got)
	}
	e.nodeCIDRs = []string{}
	if got := e.spec().Listeners[registrationKey].AllowedCIDRs; got == nil || len(got) != 0 {
		t.Errorf("an empty list opens registration: %v", got)
	}
	e.distribution = kubernetes.K3s
	if got := e.spec().Listeners; len(got) != 1 {
		t.Errorf("k3s registers at the API: %v", got)
	}
	if got := privateRanges(true); !slices.Equal(got, []string{"fc00::/7"}) {
		t.Errorf("Octavia refuses ranges of another family than the VIP's: %v", got)
	}
}

func TestDedupe(t *testing.T) {
	got := dedupe([]string{"10.2.1.0/24", "10.0.0.0/8", "203.0.113.7/32", "10.0.0.0/8"})
	if !slices.Equal(got, []string{"10.0.0.0/8", "203.0.113.7/32"}) {
		t.Errorf("%v", got)
	}
}

func TestS3Host(t *testing.T) {
	for address, want := range map[string]struct {
		host     string
		insecure bool
		fails    bool
	}{
		"https://s3.example.com":           {host: "s3.example.com"},
		"http://10.0.0.1:8080/v1/AUTH_abc": {host: "10.0.0.1:8080", insecure: true},
		"s3.example.com":                   {fails: true},
		"ftp://s3.example.com":             {fails: true},
	} {
		host, insecure, err := s3Host(address)
		if host != want.host || insecure != want.insecure || (err != nil) != want.fails {
			t.Errorf("%s: %q, %t, %v", address, host, insecure, err)
		}
	}
}

func server(name, pool, spec, status string, created int) servers.Server {
	tags := []string{clusters.Tag + "c", fleet.PoolTag + pool, fleet.SpecTag + spec}
	return servers.Server{ID: name, Name: name, Status: status, Tags: &tags, Created: time.Unix(int64(created), 0)}
}

func TestFleet(t *testing.T) {
	f := fleet.Fleet{Owner: "c", Servers: []servers.Server{
		server("b", "web", "1", "ACTIVE", 2), server("a", "web", "2", "SHUTOFF", 1), server("dead", "web", "1", "ERROR", 3),
		server("s", controlPlane, "1", "ACTIVE", 5), {ID: "stranger", Name: "stranger"},
	}}
	alive, failed := fleet.Split(f.Of("web"))
	if !slices.Equal(fleet.Names(alive), []string{"a", "b"}) || !slices.Equal(fleet.Names(failed), []string{"dead"}) {
		t.Errorf("alive %v, failed %v", fleet.Names(alive), fleet.Names(failed))
	}
	if got := fleet.Outdated(alive, "1"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("outdated %v", got)
	}
	victims := chooseVictims(alive, nil, "1", 1)
	if !slices.Equal(fleet.Names(victims), []string{"a"}) {
		t.Errorf("the outdated one goes first: %v", fleet.Names(victims))
	}
	victims = chooseVictims(alive, map[string]kubernetes.NodeState{"a": {Ready: true}}, "1", 1)
	if !slices.Equal(fleet.Names(victims), []string{"b"}) {
		t.Errorf("the one that is not ready goes first: %v", fleet.Names(victims))
	}
}

func TestPickZone(t *testing.T) {
	g := fleet.Group{Zones: []string{"a", "b", "c"}}
	used := []string{}
	for range 4 {
		used = append(used, g.PickZone(used))
	}
	if !slices.Equal(used, []string{"a", "b", "c", "a"}) {
		t.Errorf("%v", used)
	}
	if got := (&fleet.Group{}).PickZone(used); got != "" {
		t.Errorf("without zones Nova chooses, not %q", got)
	}
}

// The keys of the backup are in no user data, unless nobody is going to give them to the API.
func TestKeysOfTheBackupInUserData(t *testing.T) {
	for _, test := range []struct {
		waitFor     string
		first, want bool
	}{{waitReady, true, false}, {waitReady, false, false}, {waitServers, true, true}, {waitServers, false, false}} {
		m := settled(t, 0)
		m.WaitFor = types.StringValue(test.waitFor)
		bundle, err := m.bundle()
		if err != nil {
			t.Fatal(err)
		}
		version, err := kubernetes.ParseVersion(m.KubernetesVersion.ValueString())
		if err != nil {
			t.Fatal(err)
		}
		s := &site{m: m, bundle: bundle, version: version, target: &kubernetes.S3{Endpoint: "s3.example.com", Bucket: "b", SecretKey: "very-secret"}}
		data, err := s.userData("prod-servers-bbbbb", test.first)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(data), "very-secret"); got != test.want {
			t.Errorf("wait for %s, first %t: keys in user data %t", test.waitFor, test.first, got)
		}
		if got := strings.Contains(string(data), "BEGIN EC PRIVATE KEY"); got != test.first {
			t.Errorf("first %t: keys of authorities in user data %t", test.first, got)
		}
	}
}
