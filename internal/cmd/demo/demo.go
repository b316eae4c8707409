package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/massif-cloud/terraform-provider-massif/internal/inventory"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/provider"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// version is what the demo calls the provider that it builds.
const version = "0.0.1"

// demo is one run.
type demo struct {
	out       io.Writer
	terraform string
	example   string
	cloud     string
	keep      bool
	verbose   bool
	vars      list
	options   *simulator.Options // nil on a real cloud

	sim    *simulator.Simulator
	real   *openstack.Cloud
	before []inventory.Object // what the real cloud had already
	work   string             // scratch folder
	dir    string             // the example in it
	env    []string
	seen   int // requests counted so far
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ", ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func (d *demo) run(ctx context.Context) (err error) {
	if d.work, err = os.MkdirTemp("", "massif-demo-"); err != nil {
		return err
	}
	prepared := false
	defer func() {
		if err == nil || d.sim != nil || !prepared {
			err = errors.Join(err, os.RemoveAll(d.work))
			return
		}
		// What is left in a real cloud is only known to this state.
		fmt.Fprintf(d.out, "\nThe state and the logs are in %s\n", d.work)
	}()
	if err := d.prepare(ctx); err != nil {
		return err
	}
	prepared = true
	if d.sim != nil {
		defer func() { err = errors.Join(err, d.sim.Close()) }()
	}
	fmt.Fprintln(d.out)
	measures, err := d.show(ctx)
	// Also after a failure or Ctrl-C, what was made goes away.
	removed, destroyErr := d.timed("destroy", func() error {
		return d.tf(context.WithoutCancel(ctx), "destroy", "-auto-approve", "-input=false")
	})
	if err := errors.Join(err, destroyErr); err != nil {
		return err
	}
	d.measured(append(measures, removed)...)
	return d.empty(context.WithoutCancel(ctx))
}

// show applies the example, plans again, and shows what there is.
func (d *demo) show(ctx context.Context) ([]measure, error) {
	made, err := d.timed("apply", func() error { return d.tf(ctx, "apply", "-auto-approve", "-input=false") })
	if err != nil {
		return nil, err
	}
	clusters, err := d.outputs(ctx)
	if err != nil {
		return nil, err
	}
	planned, err := d.timed("second plan", func() error { return d.tf(ctx, "plan", "-detailed-exitcode", "-input=false") })
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 2 {
		return nil, fmt.Errorf("the second plan is not empty: %w", err)
	} else if err != nil {
		return nil, err
	}
	d.table(clusters)
	if d.waitsForNodes() {
		if err := d.nodes(ctx, clusters); err != nil {
			return nil, err
		}
	}
	if d.keep {
		d.lookAround(ctx, clusters)
	}
	return []measure{made, planned}, nil
}

// prepare builds the provider, starts the simulator and lays out the example with a mirror to install from.
func (d *demo) prepare(ctx context.Context) (err error) {
	d.step("Building the provider")
	mirror := filepath.Join(d.work, "mirror")
	if err := d.build(ctx, mirror); err != nil {
		return err
	}
	examples := filepath.Join(d.work, "examples")
	if err := os.CopyFS(examples, os.DirFS("examples")); err != nil {
		return err
	}
	d.dir = filepath.Join(examples, d.example)
	if _, err := os.Stat(filepath.Join(d.dir, "main.tf")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no example %q", d.example)
	}
	rc := filepath.Join(d.work, "cli.tfrc")
	settings := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
	if err := os.WriteFile(rc, []byte(settings), 0o600); err != nil {
		return err
	}
	d.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+rc, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1",
		"TF_LOG_PROVIDER=DEBUG", "TF_LOG_PATH="+d.log())
	if d.options == nil {
		d.env = append(d.env, "OS_CLOUD="+d.cloud)
		d.step("Applying to the cloud " + d.cloud)
		if d.real, err = provider.OpenNamed(ctx, d.cloud); err != nil {
			return err
		}
		if d.before, err = inventory.Of(ctx, d.real); err != nil {
			return err
		}
	} else if err := d.simulate(); err != nil {
		return err
	}
	return d.tf(ctx, "init", "-input=false")
}

// build puts the provider into a mirror of Terraform's registry and of OpenTofu's.
func (d *demo) build(ctx context.Context, mirror string) error {
	first := ""
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		folder := filepath.Join(mirror, host, "massif-cloud", "massif", version, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		binary := filepath.Join(folder, "terraform-provider-massif_v"+version)
		if first != "" {
			if err := os.Link(first, binary); err != nil {
				return err
			}
			continue
		}
		first = binary
		build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-X main.version="+version, "-o", binary, ".")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build the provider: %w\n%s", err, out)
		}
	}
	return nil
}

// simulate starts the simulator and makes it the cloud of all that follows.
func (d *demo) simulate() (err error) {
	if d.sim, err = simulator.Run(*d.options); err != nil {
		return err
	}
	clouds := filepath.Join(d.work, "clouds.yaml")
	if err := os.WriteFile(clouds, d.sim.CloudsYAML(), 0o600); err != nil {
		return err
	}
	d.env = slices.DeleteFunc(d.env, func(v string) bool { return strings.HasPrefix(v, "OS_") })
	d.env = append(d.env, "OS_CLIENT_CONFIG_FILE="+clouds, "OS_CLOUD=demo")
	d.step("An OpenStack is simulated at " + d.sim.AuthURL())
	return nil
}

func (d *demo) log() string { return filepath.Join(d.work, "provider.log") }

func (d *demo) step(text string) { fmt.Fprintf(d.out, "• %s\n", text) }

// tf runs Terraform in the example's folder. What it prints is shown when it fails, or always with -v.
func (d *demo) tf(ctx context.Context, args ...string) error {
	if slices.Contains([]string{"apply", "plan", "destroy"}, args[0]) {
		for _, v := range d.vars {
			args = append(args, "-var="+v)
		}
	}
	var shown strings.Builder
	cmd := d.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = io.Writer(&shown), io.Writer(&shown)
	if d.verbose {
		cmd.Stdout, cmd.Stderr = d.out, d.out
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(d.terraform), args[0], err, shown.String())
	}
	return nil
}

// command is a run of Terraform that ends as by Ctrl-C, so that it saves its state.
func (d *demo) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.terraform, args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	alone(cmd)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Minute
	return cmd
}

// measure is what one run of Terraform took.
type measure struct {
	name     string
	took     time.Duration
	requests int
}

func (d *demo) timed(name string, f func() error) (measure, error) {
	fmt.Fprintf(d.out, "• %-12s", name)
	begin := time.Now()
	err := f()
	m := measure{name: name, took: time.Since(begin)}
	if err != nil {
		fmt.Fprintln(d.out, "failed")
		return m, err
	}
	total, err := d.requests()
	m.requests, d.seen = total-d.seen, total
	fmt.Fprintf(d.out, "%6.1f s  %4d requests\n", m.took.Seconds(), m.requests)
	return m, err
}

// requests counts what the provider has logged so far: one line for each request that it sent.
func (d *demo) requests() (int, error) {
	text, err := os.ReadFile(d.log())
	if err != nil {
		return 0, err
	}
	return strings.Count(string(text), requestLine), nil
}

// cluster is what the example tells about one cluster.
type cluster struct {
	Endpoint string              `json:"endpoint"`
	Nodes    map[string][]string `json:"nodes"`
	Rules    int                 `json:"rules"`

	kubeconfig string
}

func (d *demo) outputs(ctx context.Context) (map[string]*cluster, error) {
	text, err := d.command(ctx, "output", "-json").Output()
	if err != nil {
		return nil, fmt.Errorf("read the outputs: %w", err)
	}
	var out struct {
		Clusters    struct{ Value map[string]*cluster }
		Kubeconfigs struct{ Value map[string]string }
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("read the outputs: %w", err)
	}
	for name, c := range out.Clusters.Value {
		c.kubeconfig = out.Kubeconfigs.Value[name]
	}
	return out.Clusters.Value, nil
}

// table prints what was made.
func (d *demo) table(clusters map[string]*cluster) {
	fmt.Fprintln(d.out)
	w := tabwriter.NewWriter(d.out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "CLUSTER\tENDPOINT\tSERVERS\tAGENTS\tRULES")
	rules, servers, agents := 0, 0, 0
	for _, name := range slices.Sorted(maps.Keys(clusters)) {
		c := clusters[name]
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\n", name, c.Endpoint, len(c.Nodes["servers"]), len(c.Nodes["agents"]), c.Rules)
		rules, servers, agents = rules+c.Rules, servers+len(c.Nodes["servers"]), agents+len(c.Nodes["agents"])
	}
	fmt.Fprintf(w, "\t\t%d\t%d\t%d\n", servers, agents, rules)
	_ = w.Flush() // to a terminal or a pipe that we would not know how to complain to
}

// waitsForNodes reports whether the clusters really run: on a cloud whose VMs do not boot, they do not.
func (d *demo) waitsForNodes() bool { return !slices.Contains(d.vars, "wait_for=servers") }

// nodes lists the nodes of one cluster with nothing but the kubeconfig that came out.
func (d *demo) nodes(ctx context.Context, clusters map[string]*cluster) error {
	name := slices.Sorted(maps.Keys(clusters))[0]
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(clusters[name].kubeconfig))
	if err != nil {
		return fmt.Errorf("read the kubeconfig of %s: %w", name, err)
	}
	config.Timeout = 10 * time.Second
	if d.sim != nil {
		config.Dial = d.dial
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	found, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the nodes of %s: %w", name, err)
	}
	fmt.Fprintf(d.out, "\nNodes of %s, asked for with its kubeconfig:\n", name)
	w := tabwriter.NewWriter(d.out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATUS\tROLES\tVERSION\tADDRESS")
	ready := 0
	for _, n := range found.Items {
		status := "NotReady"
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				status = "Ready"
				ready++
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", n.Name, status, roles(n), n.Status.NodeInfo.KubeletVersion, address(n))
	}
	_ = w.Flush()
	if want := len(slices.Concat(slices.Collect(maps.Values(clusters[name].Nodes))...)); ready != want {
		return fmt.Errorf("%d nodes of %s are ready, want %d", ready, name, want)
	}
	return nil
}

func roles(n corev1.Node) string {
	var found []string
	for label := range n.Labels {
		if role, ok := strings.CutPrefix(label, "node-role.kubernetes.io/"); ok {
			found = append(found, role)
		}
	}
	if len(found) == 0 {
		return "<none>"
	}
	slices.Sort(found)
	return strings.Join(found, ",")
}

func address(n corev1.Node) string {
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}

// dial finds the simulator's load balancers also where a system has no loopback address but 127.0.0.1.
func (d *demo) dial(ctx context.Context, network, address string) (net.Conn, error) {
	for _, known := range d.sim.Addresses() {
		if known.Address == address {
			address = known.Listen
		}
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// lookAround says how to use what is running, until Ctrl-C.
func (d *demo) lookAround(ctx context.Context, clusters map[string]*cluster) {
	fmt.Fprintf(d.out, "\nIt keeps running. In another terminal:\n\n")
	for _, name := range slices.Sorted(maps.Keys(clusters)) {
		file := filepath.Join(d.work, name+".kubeconfig")
		if err := os.WriteFile(file, []byte(clusters[name].kubeconfig), 0o600); err != nil {
			fmt.Fprintf(d.out, "  (could not write %s: %v)\n", file, err)
			continue
		}
		fmt.Fprintf(d.out, "  kubectl --kubeconfig %s get nodes -o wide\n", file)
	}
	fmt.Fprintf(d.out, "  cd %s && TF_CLI_CONFIG_FILE=%s", d.dir, filepath.Join(d.work, "cli.tfrc"))
	for _, v := range d.env {
		if strings.HasPrefix(v, "OS_CLIENT_CONFIG_FILE=") || strings.HasPrefix(v, "OS_CLOUD=") {
			fmt.Fprintf(d.out, " %s", v)
		}
	}
	fmt.Fprintf(d.out, " %s plan\n", d.terraform)
	if d.sim != nil {
		fmt.Fprintf(d.out, "  curl %s/simulator/requests\n", d.sim.URL())
	}
	fmt.Fprintf(d.out, "\nCtrl-C destroys it.\n")
	<-ctx.Done()
	fmt.Fprintln(d.out)
}

// measured prints what the three runs took.
func (d *demo) measured(all ...measure) {
	fmt.Fprintln(d.out)
	w := tabwriter.NewWriter(d.out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tSECONDS\tREQUESTS\t")
	for _, m := range all {
		fmt.Fprintf(w, "%s\t%.1f\t%d\t\n", m.name, m.took.Seconds(), m.requests)
	}
	_ = w.Flush()
}

// empty fails when the destroy has left something.
func (d *demo) empty(ctx context.Context) error {
	if err := inventory.Empty(ctx, d.leftovers); err != nil {
		return err
	}
	d.step("Nothing is left in the cloud")
	return nil
}

func (d *demo) leftovers(ctx context.Context) ([]string, error) {
	if d.sim != nil {
		return d.sim.Leftovers(), nil
	}
	after, err := inventory.Of(ctx, d.real)
	var left []string
	for _, o := range after {
		if !slices.ContainsFunc(d.before, func(b inventory.Object) bool { return b.Collection == o.Collection && b.ID == o.ID }) {
			left = append(left, o.String())
		}
	}
	return left, err
}

// requestLine is the message that the provider logs for every request that was answered.
const requestLine = "OpenStack response"
