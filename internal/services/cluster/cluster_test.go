package cluster_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// config is a whole topology with what a test changes in it.
type config struct {
	version     string // "" is v1.34.1+rke2r1
	servers     int
	agents      int // -1 for no pool
	image       string
	waitFor     string
	more        string // attributes of the cluster
	morePool    string // attributes of the pool
	clusterName string
}

func (c config) String() string {
	set := func(value *string, unset string) {
		if *value == "" {
			*value = unset
		}
	}
	set(&c.version, "v1.34.1+rke2r1")
	set(&c.image, "ubuntu-22.04-fake")
	set(&c.waitFor, "ready")
	set(&c.clusterName, "{{name}}")
	text := `
resource "massif_network" "a" {
  name = "{{name}}"
}
resource "massif_subnet" "a" {
  name       = "{{name}}"
  network_id = massif_network.a.id
  cidr       = "10.2.1.0/24"
}
resource "massif_router" "a" {
  name             = "{{name}}"
  external_network = "ext-floating1"
  subnet_ids       = [massif_subnet.a.id]
}
` + fmt.Sprintf(`
resource "massif_cluster" "a" {
  name               = %q
  kubernetes_version = %q
  external_network   = "ext-floating1"
  subnet_id          = massif_subnet.a.id
  control_plane      = { flavor = "m1.small", image = %q, size = %d }
  wait_for           = %q
  depends_on         = [massif_router.a]
  %s
}
`, c.clusterName, c.version, c.image, c.servers, c.waitFor, c.more)
	if c.agents < 0 {
		return text
	}
	return text + fmt.Sprintf(`
resource "massif_node_pool" "a" {
  name               = "web"
  cluster_id         = massif_cluster.a.id
  kubernetes_version = massif_cluster.a.kubernetes_version
  subnet_id          = massif_subnet.a.id
  flavor             = "m1.small"
  image              = %q
  size               = %d
  wait_for           = %q
  %s
}
`, c.image, c.agents, c.waitFor, c.morePool)
}

const (
	theCluster = "massif_cluster.a"
	thePool    = "massif_node_pool.a"
)

func plans(actions map[string]plancheck.ResourceActionType) resource.ConfigPlanChecks {
	var checks resource.ConfigPlanChecks
	for _, address := range slices.Sorted(maps.Keys(actions)) {
		checks.PreApply = append(checks.PreApply, plancheck.ExpectResourceAction(address, actions[address]))
	}
	return checks
}

// kubectl is a client made of nothing but the kubeconfig that came out.
func kubectl(state *terraform.State) (*kubernetes.Clientset, error) {
	return clientOf(state.RootModule().Resources[theCluster].Primary.Attributes["kubeconfig"])
}

func clientOf(text string) (*kubernetes.Clientset, error) {
	access, err := clientcmd.RESTConfigFromKubeConfig([]byte(text))
	if err != nil {
		return nil, err
	}
	access.ContentType = "application/json"
	return kubernetes.NewForConfig(access)
}

// nodes checks, with the kubeconfig, that the cluster has exactly the nodes of the
// state, all of them Ready, and hands them over.
func nodes(want int, look func(corev1.Node) error) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		client, err := kubectl(state)
		if err != nil {
			return err
		}
		list, err := client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		if len(list.Items) != want {
			return fmt.Errorf("%d nodes, want %d", len(list.Items), want)
		}
		known := fmt.Sprint(state.RootModule().Resources[theCluster].Primary.Attributes)
		if pool, ok := state.RootModule().Resources[thePool]; ok {
			known += fmt.Sprint(pool.Primary.Attributes)
		}
		for _, node := range list.Items {
			if !strings.Contains(known, node.Name) {
				return fmt.Errorf("node %s is not in the state", node.Name)
			}
			ready := slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
				return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
			})
			if !ready || node.Spec.Unschedulable {
				return fmt.Errorf("node %s is not ready or cordoned", node.Name)
			}
			if look != nil {
				if err := look(node); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

func TestAccClusterLife(t *testing.T) {
	cloud := acctest.OnSimulator(t, "nodes boot")
	update := map[string]plancheck.ResourceActionType{theCluster: plancheck.ResourceActionUpdate, thePool: plancheck.ResourceActionUpdate}
	backup := `backup = { container = "etcd", access_key = "key", secret_key = %q }`
	cloud.Test(t,
		resource.TestStep{
			Config: config{servers: 3, agents: 2, more: fmt.Sprintf(backup, "one"), morePool: `labels = { tier = "web" }
				taints = ["dedicated=web:NoSchedule"]`}.String(),
			Check: resource.ComposeTestCheckFunc(
				nodes(5, func(node corev1.Node) error {
					_, server := node.Labels["node-role.kubernetes.io/control-plane"]
					tainted := slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == "dedicated" })
					if server == (node.Labels["tier"] == "web") || server == tainted {
						return fmt.Errorf("node %s has labels %v and taints %v", node.Name, node.Labels, node.Spec.Taints)
					}
					return nil
				}),
				snapshotSecret("one"),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.Has(theCluster, "endpoint", knownvalue.StringRegexp(regexp.MustCompile(`^https://[\d.]+:6443$`))),
				acctest.Has(theCluster, "node_names", knownvalue.ListSizeExact(3)),
				acctest.Has(theCluster, "outdated_node_names", knownvalue.ListSizeExact(0)),
				acctest.Has(thePool, "node_names", knownvalue.ListSizeExact(2)),
				statecheck.ExpectSensitiveValue(theCluster, tfjsonpath.New("kubeconfig")),
				statecheck.ExpectSensitiveValue(theCluster, tfjsonpath.New("secrets")),
				statecheck.ExpectSensitiveValue(theCluster, tfjsonpath.New("join")),
				statecheck.ExpectSensitiveValue(thePool, tfjsonpath.New("join")),
			},
		},
		// Down, with a drain; labels, taints and the backup's keys change in place.
		resource.TestStep{
			Config: config{servers: 1, agents: 1, more: fmt.Sprintf(backup, "two"), morePool: `labels = { tier = "db" }`}.String(),
			Check: resource.ComposeTestCheckFunc(nodes(2, func(node corev1.Node) error {
				_, server := node.Labels["node-role.kubernetes.io/control-plane"]
				if !server && (node.Labels["tier"] != "db" || len(node.Spec.Taints) > 0) {
					return fmt.Errorf("node %s has labels %v and taints %v", node.Name, node.Labels, node.Spec.Taints)
				}
				return nil
			}), snapshotSecret("two")),
			ConfigPlanChecks: plans(update),
		},
		// Another image replaces nothing; new nodes have it, old ones are listed.
		resource.TestStep{
			Config:           config{servers: 3, agents: 3, image: "cirros-fake", more: fmt.Sprintf(backup, "two"), morePool: `labels = { tier = "db" }`}.String(),
			Check:            nodes(6, nil),
			ConfigPlanChecks: plans(update),
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.Has(theCluster, "outdated_node_names", knownvalue.ListSizeExact(1)),
				acctest.Has(thePool, "outdated_node_names", knownvalue.ListSizeExact(1)),
			},
		},
		// The old ones go first.
		resource.TestStep{
			Config:           config{servers: 1, agents: 2, image: "cirros-fake", more: fmt.Sprintf(backup, "two"), morePool: `labels = { tier = "db" }`}.String(),
			Check:            nodes(3, nil),
			ConfigPlanChecks: plans(update),
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.Has(theCluster, "outdated_node_names", knownvalue.ListSizeExact(0)),
				acctest.Has(thePool, "outdated_node_names", knownvalue.ListSizeExact(0)),
			},
		},
	)
}

// snapshotSecret checks that the servers know where snapshots go.
func snapshotSecret(key string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		client, err := kubectl(state)
		if err != nil {
			return err
		}
		secret, err := client.CoreV1().Secrets("kube-system").Get(context.Background(), "massif-etcd-snapshot-s3", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if got := string(secret.Data["etcd-s3-secret-key"]) + secret.StringData["etcd-s3-secret-key"]; got != key {
			return fmt.Errorf("the secret key is %q, want %q", got, key)
		}
		return nil
	}
}

func TestAccClusterK3s(t *testing.T) {
	cloud := acctest.OnSimulator(t, "nodes boot")
	cloud.Test(t, resource.TestStep{
		Config: config{version: "v1.34.1+k3s1", servers: 3, agents: 1, more: `cloud_provider = "embedded"
			server_group_policy = "none"
			disable = ["traefik"]
			tls_san = ["k8s.example.com"]
			api = { allowed_cidrs = ["127.0.0.0/8"] }`}.String(),
		Check: nodes(4, nil),
	})
}

// TestAccClusterServersOnly runs where servers never boot, too.
func TestAccClusterServersOnly(t *testing.T) {
	cloud := acctest.New(t)
	base := config{servers: 3, agents: 1, waitFor: "servers"}
	with := func(change func(*config)) string {
		c := base
		change(&c)
		return c.String()
	}
	refused := func(want string, change func(*config)) resource.TestStep {
		return resource.TestStep{Config: with(change), PlanOnly: true, ExpectError: acctest.Words(want)}
	}
	cloud.Test(t,
		resource.TestStep{Config: base.String(), ConfigStateChecks: []statecheck.StateCheck{
			acctest.Has(theCluster, "node_names", knownvalue.ListSizeExact(3)),
			acctest.Has(thePool, "node_names", knownvalue.ListSizeExact(1)),
		}},
		refused("keeps its name", func(c *config) { c.clusterName = "{{name}}x" }),
		refused("keeps its cluster cidr", func(c *config) { c.more = `cluster_cidr = "10.52.0.0/16"` }),
		refused("keeps its service cidr", func(c *config) { c.more = `service_cidr = "10.53.0.0/16"` }),
		refused("keeps its cni", func(c *config) { c.more = `cni = "cilium"` }),
		refused("keeps its cloud provider", func(c *config) { c.more = `cloud_provider = "embedded"` }),
		refused("minor version may be skipped", func(c *config) { c.version = "v1.36.0+rke2r1" }),
		refused("cannot be downgraded", func(c *config) { c.version = "v1.34.0+rke2r1" }),
		refused("cannot change its distribution", func(c *config) { c.version = "v1.34.1+k3s1" }),
		resource.TestStep{
			PreConfig: func() { removeOne(t, cloud, "-servers-"); removeOne(t, cloud, "-web-") },
			Config:    base.String(),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{
				theCluster: plancheck.ResourceActionUpdate, thePool: plancheck.ResourceActionUpdate,
			}),
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.Has(theCluster, "node_names", knownvalue.ListSizeExact(3)),
				acctest.Has(thePool, "node_names", knownvalue.ListSizeExact(1)),
			},
		},
		// Who may reach the API changes in place, also when somebody else changed it.
		resource.TestStep{
			Config:           with(func(c *config) { c.more = `api = { allowed_cidrs = ["203.0.113.0/24"] }` }),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theCluster: plancheck.ResourceActionUpdate, thePool: plancheck.ResourceActionNoop}),
		},
		resource.TestStep{
			PreConfig: func() { openAPI(t, cloud) },
			Config:    with(func(c *config) { c.more = `api = { allowed_cidrs = ["203.0.113.0/24"] }` }),
			ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{
				theCluster: plancheck.ResourceActionUpdate, thePool: plancheck.ResourceActionNoop,
			}),
		},
	)
}

// Without its floating IP a cluster is neither gone nor planned anew.
func TestAccClusterFloatingIPGone(t *testing.T) {
	cloud := acctest.OnSimulator(t, "floating IPs carry no name to find them by on a shared cloud")
	text := config{servers: 1, agents: -1, waitFor: "servers"}.String()
	cloud.Test(t,
		resource.TestStep{Config: text},
		resource.TestStep{Config: text, PlanOnly: true, PreConfig: func() {
			client, err := cloud.Network()
			each(t, client, err, "floatingips", "floatingips", func(ip map[string]any) {
				if _, err := client.Delete(t.Context(), client.ServiceURL("floatingips", ip["id"].(string)), nil); err != nil {
					t.Fatal(err)
				}
			})
		}},
	)
}

// each calls do with the objects of a list behind Terraform's back.
func each(t *testing.T, client *gophercloud.ServiceClient, err error, path, key string, do func(map[string]any)) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string][]map[string]any
	if _, err := client.Get(t.Context(), client.ServiceURL(path), &answer, nil); err != nil {
		t.Fatal(err)
	}
	for _, o := range answer[key] {
		do(o)
	}
}

// removeOne deletes one server of the test's whose name has the infix, and waits until it is gone.
func removeOne(t *testing.T, cloud *acctest.Cloud, infix string) {
	t.Helper()
	client, err := cloud.Compute()
	removed := ""
	each(t, client, err, "servers", "servers", func(server map[string]any) {
		if name := server["name"].(string); removed == "" && strings.HasPrefix(name, cloud.Prefix) && strings.Contains(name, infix) {
			removed = server["id"].(string)
		}
	})
	if _, err := client.Delete(t.Context(), client.ServiceURL("servers", removed), nil); err != nil {
		t.Fatal(err)
	}
	for {
		response, err := client.Get(t.Context(), client.ServiceURL("servers", removed), nil, &gophercloud.RequestOpts{
			OkCodes: []int{http.StatusOK, http.StatusNotFound}, KeepResponseBody: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusNotFound {
			return
		}
	}
}

// openAPI lets everybody reach the API.
func openAPI(t *testing.T, cloud *acctest.Cloud) {
	t.Helper()
	client, err := cloud.LoadBalancer()
	mine := map[string]bool{}
	each(t, client, err, "lbaas/loadbalancers", "loadbalancers", func(lb map[string]any) { mine[lb["id"].(string)] = lb["name"] == cloud.Prefix })
	each(t, client, err, "lbaas/listeners", "listeners", func(listener map[string]any) {
		owner := listener["loadbalancers"].([]any)[0].(map[string]any)["id"].(string)
		if listener["name"] != "kubernetes-api" || !mine[owner] {
			return
		}
		body := map[string]any{"listener": map[string]any{"allowed_cidrs": nil}}
		if _, err := client.Put(t.Context(), client.ServiceURL("lbaas/listeners", listener["id"].(string)), body, nil, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusAccepted}}); err != nil {
			t.Fatal(err)
		}
	})
}

// A create that fails half-way is in the state, tainted, and its destruction finds all of it.
func TestAccClusterInterruptedCreateLeavesNothing(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"floating IP":   {Method: http.MethodPost, Path: "/v2.0/floatingips$", Status: http.StatusConflict, Body: `{"NeutronError":{"type":"OverQuota","message":"Quota exceeded for resources: ['floatingip'].","detail":""}}`},
		"load balancer": {Method: http.MethodPost, Path: "/loadbalancers$", Status: http.StatusForbidden, Body: `{"faultcode":"Client","faultstring":"Quota has been met for resources: loadbalancer"}`},
		"first server":  {Method: http.MethodPost, Path: "/servers$", Status: http.StatusForbidden, Body: `{"forbidden":{"code":403,"message":"Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"}}`},
		"last server":   {Method: http.MethodPost, Path: "/servers$", After: 2, Status: http.StatusForbidden, Body: `{"forbidden":{"code":403,"message":"Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := acctest.OnSimulator(t, "requests fail on demand")
			if err := cloud.Simulator.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			whole := config{servers: 3, agents: -1}.String()
			cloud.Test(t,
				resource.TestStep{Config: whole, ExpectError: regexp.MustCompile(`(?i)quota`)},
				// The next apply begins anew, beside no remains of the first.
				resource.TestStep{
					PreConfig: cloud.Simulator.ClearFaults, Config: whole, Check: nodes(3, nil),
					ConfigPlanChecks: plans(map[string]plancheck.ResourceActionType{theCluster: plancheck.ResourceActionDestroyBeforeCreate}),
				},
			)
		})
	}
}

func TestAccNodePoolDrainObeysBudgets(t *testing.T) {
	cloud := acctest.OnSimulator(t, "nodes boot")
	limited := `timeouts = { update = "20s" }`
	cloud.Test(t,
		resource.TestStep{Config: config{servers: 1, agents: 2, morePool: limited}.String(), Check: guardEveryAgent},
		resource.TestStep{
			Config: config{servers: 1, agents: 1, morePool: limited}.String(), ExpectError: acctest.Words("PodDisruptionBudget default/keep allows no disruption of pod guarded"),
		},
		resource.TestStep{Config: config{servers: 1, agents: 2}.String(), Check: resource.ComposeTestCheckFunc(nodes(3, nil), unguard)},
		resource.TestStep{Config: config{servers: 1, agents: 1}.String(), Check: nodes(2, nil)},
	)
}

// guardEveryAgent puts a pod on each agent that a budget lets nobody evict.
func guardEveryAgent(state *terraform.State) error {
	client, err := kubectl(state)
	if err != nil {
		return err
	}
	ctx := context.Background()
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	labels := map[string]string{"app": "guarded"}
	for _, node := range list.Items {
		if _, server := node.Labels["node-role.kubernetes.io/control-plane"]; server {
			continue
		}
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "guarded-" + node.Name, Namespace: "default", Labels: labels},
			Spec:       corev1.PodSpec{NodeName: node.Name, Containers: []corev1.Container{{Name: "a", Image: "a"}}},
		}
		if _, err := client.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	all := intstr.FromString("100%")
	budget := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "keep", Namespace: "default"},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &all, Selector: &metav1.LabelSelector{MatchLabels: labels}},
	}
	_, err = client.PolicyV1().PodDisruptionBudgets("default").Create(ctx, budget, metav1.CreateOptions{})
	return err
}

func unguard(state *terraform.State) error {
	client, err := kubectl(state)
	if err != nil {
		return err
	}
	return client.PolicyV1().PodDisruptionBudgets("default").Delete(context.Background(), "keep", metav1.DeleteOptions{})
}

func TestAccClusterInvalid(t *testing.T) {
	for name, test := range map[string]struct {
		config config
		want   string
	}{
		"even size":          {config{servers: 2, agents: -1}, `one of`},
		"no servers":         {config{servers: 0, agents: 1}, `one of`},
		"version":            {config{servers: 1, agents: -1, version: "1.34.1"}, `v1.34.1+rke2r1 or v1.34.1+k3s1`},
		"upper case":         {config{servers: 1, agents: -1, clusterName: "Prod"}, `lower case`},
		"long name":          {config{servers: 1, agents: -1, clusterName: strings.Repeat("a", 29)}, `29 characters`},
		"cluster CIDR":       {config{servers: 1, agents: -1, more: `cluster_cidr = "10.42.0.0"`}, `CIDR notation`},
		"host bits":          {config{servers: 1, agents: -1, more: `cluster_cidr = "10.42.0.1/16"`}, `address inside 10.42.0.0/16`},
		"two of a family":    {config{servers: 1, agents: -1, more: `service_cidr = "10.44.0.0/16,10.45.0.0/16"`}, `one family`},
		"ranges overlap":     {config{servers: 1, agents: -1, more: `service_cidr = "10.42.128.0/20"`}, `overlaps`},
		"CNI":                {config{servers: 1, agents: -1, more: `cni = "weave"`}, `it has canal, cilium`},
		"CNI of k3s":         {config{servers: 1, agents: -1, version: "v1.34.1+k3s1", more: `cni = "cilium"`}, `it has flannel`},
		"schedule":           {config{servers: 1, agents: -1, more: `backup = { container = "a", access_key = "a", secret_key = "b", schedule = "0 25 * * *" }`}, `hour`},
		"S3 endpoint":        {config{servers: 1, agents: -1, more: `backup = { container = "a", access_key = "a", secret_key = "b", endpoint = "s3.example.com" }`}, `is no URL`},
		"half a key":         {config{servers: 1, agents: -1, more: `backup = { container = "a", access_key = "a" }`}, `secret_key`},
		"allowed CIDR":       {config{servers: 1, agents: -1, more: `api = { allowed_cidrs = ["everywhere"] }`}, `CIDR notation`},
		"extra config":       {config{servers: 1, agents: -1, more: `extra_config = yamlencode({ token = "x" })`}, `token is set by the provider`},
		"mirror":             {config{servers: 1, agents: -1, more: `install = { url = "mirror/rke2" }`}, `http or https`},
		"checksum":           {config{servers: 1, agents: -1, more: `install = { url = "https://mirror.example/rke2", sha256 = "abc" }`}, `64 hexadecimal digits`},
		"wait for":           {config{servers: 1, agents: -1, waitFor: "nothing"}, `one of`},
		"label":              {config{servers: 1, agents: 1, morePool: `labels = { "node-role.kubernetes.io/web" = "true" }`}, `choose another prefix`},
		"label value":        {config{servers: 1, agents: 1, morePool: `labels = { tier = "not a value" }`}, `valid label must be`},
		"taint":              {config{servers: 1, agents: 1, morePool: `taints = ["dedicated=web"]`}, `key=value:Effect`},
		"zone named twice":   {config{servers: 1, agents: 1, morePool: `availability_zones = ["nova", "nova"]`}, `duplicate`},
		"negative size":      {config{servers: 1, agents: -1, more: "}\nresource \"massif_node_pool\" \"b\" {\n name = \"b\"\n size = -1\n cluster_id = massif_cluster.a.id\n kubernetes_version = \"v1.34.1+rke2r1\"\n subnet_id = \"a\"\n flavor = \"a\"\n image = \"a\""}, `between 0 and 1000`},
		"pool named servers": {config{servers: 1, agents: -1, more: "}\nresource \"massif_node_pool\" \"b\" {\n name = \"servers\"\n size = 1\n cluster_id = massif_cluster.a.id\n kubernetes_version = \"v1.34.1+rke2r1\"\n subnet_id = \"a\"\n flavor = \"a\"\n image = \"a\""}, `control plane's own nodes`},
		"unknown cluster":    {config{servers: 1, agents: -1, more: "}\nresource \"massif_node_pool\" \"b\" {\n name = \"b\"\n size = 1\n cluster_id = \"nowhere\"\n kubernetes_version = \"v1.34.1+rke2r1\"\n subnet_id = \"a\"\n flavor = \"a\"\n image = \"a\""}, `set join`},
	} {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{Config: test.config.String(), PlanOnly: true, ExpectError: acctest.Words(test.want)})
		})
	}
}

// What only the cloud can tell fails before anything is made.
func TestAccClusterNotFound(t *testing.T) {
	for name, test := range map[string]struct {
		config config
		want   string
	}{
		"image":              {config{servers: 1, agents: -1, image: "no such image"}, `no image "no such image"`},
		"range of the nodes": {config{servers: 1, agents: -1, more: `service_cidr = "10.2.0.0/16"`}, `overlaps 10.2.1.0/24`},
	} {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{Config: test.config.String(), ExpectError: acctest.Words(test.want)})
		})
	}
}

func TestAccNodePoolNewerThanItsCluster(t *testing.T) {
	cloud := acctest.New(t)
	older := config{servers: 1, agents: 1, waitFor: "servers"}.String()
	newer := strings.Replace(older, "= massif_cluster.a.kubernetes_version", `= "v1.35.0+rke2r1"`, 1)
	cloud.Test(t,
		resource.TestStep{Config: older},
		resource.TestStep{Config: newer, PlanOnly: true, ExpectError: acctest.Words("upgrade the cluster first")},
	)
}

// What OpenStack's cloud controller manager made for services would keep the network from going.
func TestAccClusterDestroyRemovesLoadBalancersOfServices(t *testing.T) {
	cloud := acctest.New(t)
	text := config{servers: 1, agents: -1, waitFor: "servers"}.String()
	cloud.Test(t,
		resource.TestStep{Config: text},
		resource.TestStep{Config: text, PlanOnly: true, PreConfig: func() {
			network, err := cloud.Network()
			subnet := ""
			each(t, network, err, "subnets", "subnets", func(s map[string]any) {
				if s["name"] == cloud.Prefix {
					subnet = s["id"].(string)
				}
			})
			client, err := cloud.LoadBalancer()
			if err != nil {
				t.Fatal(err)
			}
			body := map[string]any{"loadbalancer": map[string]any{"name": "kube_service_" + cloud.Prefix + "_default_web", "vip_subnet_id": subnet}}
			if _, err := client.Post(t.Context(), client.ServiceURL("lbaas/loadbalancers"), body, nil, nil); err != nil {
				t.Fatal(err)
			}
		}},
	)
}

// A pool of another configuration is given what it needs.
func TestAccNodePoolWithJoin(t *testing.T) {
	cloud := acctest.OnSimulator(t, "nodes boot")
	cloud.Test(t, resource.TestStep{
		Config: config{servers: 1, agents: 1, morePool: "join = massif_cluster.a.join"}.String(), Check: nodes(2, nil),
	})
}

// An API that does not answer is a warning, never a lost cluster.
func TestAccClusterWhoseAPIDoesNotAnswer(t *testing.T) {
	cloud := acctest.OnSimulator(t, "nodes boot")
	text := config{servers: 1, agents: 1}.String()
	cloud.Test(t,
		resource.TestStep{Config: text, Check: nodes(2, nil)},
		resource.TestStep{Config: text, PlanOnly: true, PreConfig: func() { stopServers(t, cloud) }},
	)
}

func stopServers(t *testing.T, cloud *acctest.Cloud) {
	t.Helper()
	client, err := cloud.Compute()
	each(t, client, err, "servers", "servers", func(server map[string]any) {
		url := client.ServiceURL("servers", server["id"].(string), "action")
		if _, err := client.Post(t.Context(), url, map[string]any{"os-stop": nil}, nil, &gophercloud.RequestOpts{OkCodes: []int{http.StatusAccepted}}); err != nil {
			t.Fatal(err)
		}
	})
}
