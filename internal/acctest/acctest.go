// Package acctest runs acceptance tests unchanged on two clouds: a simulator of their own, in this
// process, or the real OpenStack that OS_CLOUD names.
package acctest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/inventory"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/provider"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// Cloud is the cloud of one test.
type Cloud struct {
	// Cloud is a session for looking at the cloud behind Terraform's back.
	*openstack.Cloud
	// Simulator is nil on a real cloud.
	Simulator *simulator.Simulator
	// Prefix begins the name of everything the test makes; HCL has it as {{name}}.
	Prefix string
	// Others are providers that the test needs beside the one under test.
	Others map[string]func() (tfprotov6.ProviderServer, error)

	arguments map[string]string // of the provider
	provider  string            // its block, with whatever was added
}

// New returns the cloud for a test, which it makes parallel. The options are the simulator's.
func New(t *testing.T, adjust ...func(*simulator.Options)) *Cloud {
	t.Helper()
	t.Parallel()
	c := &Cloud{Prefix: fmt.Sprintf("acc%08x", rand.Uint32())}
	if name := os.Getenv("OS_CLOUD"); name != "" {
		c.use(map[string]string{"cloud": name})
		c.Cloud = c.open(t, name)
		return c
	}
	options := simulator.Options{PublicCIDR: publicCIDR(t)}
	for _, f := range adjust {
		f(&options)
	}
	var err error
	if c.Simulator, err = simulator.Run(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Simulator.Close(); err != nil {
			t.Error(err)
		}
	})
	c.use(map[string]string{
		"auth_url": c.Simulator.AuthURL(), "username": "demo", "password": simulator.Password, "user_domain_name": "Default",
		"project_name": "demo", "project_domain_name": "Default", "region": simulator.Region,
	})
	c.Cloud = c.openSimulator(t, "demo")
	return c
}

// OnSimulator is New for what a real cloud cannot do, such as failing at a chosen moment. The run on a
// real cloud tells that the test was skipped and why.
func OnSimulator(t *testing.T, why string, adjust ...func(*simulator.Options)) *Cloud {
	t.Helper()
	if os.Getenv("OS_CLOUD") != "" {
		t.Skip("needs the simulator: " + why)
	}
	return New(t, adjust...)
}

// inUse are the subnets of this process that a simulator has, by their number.
var inUse = struct {
	sync.Mutex
	numbers map[int]bool
}{numbers: map[int]bool{}}

// publicCIDR gives each simulator of this machine floating IPs of its own until its test ends, so that the load balancers and clusters of
// parallel tests can all listen. Eight simulators share 127.x.y.0/24. Which x and y are a process's follows from its id, and leaves
// room for 248 simulators before those of the next.
func publicCIDR(t *testing.T) string {
	t.Helper()
	inUse.Lock()
	defer inUse.Unlock()
	n := 0
	for inUse.numbers[n] {
		n++
	}
	inUse.numbers[n] = true
	t.Cleanup(func() {
		inUse.Lock()
		defer inUse.Unlock()
		delete(inUse.numbers, n)
	})
	block := os.Getpid()*31 + n/8
	return fmt.Sprintf("127.%d.%d.%d/27", 64+block>>8&63, block&255, n%8*32)
}

// openSimulator is a session of one of the simulator's users, in the project of the same name.
func (c *Cloud) openSimulator(t *testing.T, user string) *openstack.Cloud {
	t.Helper()
	cloud, err := openstack.Open(t.Context(), openstack.Config{
		Auth: gophercloud.AuthOptions{
			IdentityEndpoint: c.Simulator.AuthURL(),
			Username:         user,
			Password:         simulator.Password,
			DomainName:       "Default",
			TenantName:       user,
		},
		Region: simulator.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	return cloud
}

// Administrator is a session of the cloud's administrator: on a real cloud the one that clouds.yaml calls admin. Without that the
// test is skipped.
func (c *Cloud) Administrator(t *testing.T) *openstack.Cloud {
	t.Helper()
	if c.Simulator != nil {
		return c.openSimulator(t, "admin")
	}
	cloud, err := provider.OpenNamed(t.Context(), "admin")
	if err != nil {
		t.Skipf("clouds.yaml has no administrator called admin: %v", err)
	}
	return cloud
}

func (c *Cloud) open(t *testing.T, name string) *openstack.Cloud {
	t.Helper()
	cloud, err := provider.OpenNamed(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return cloud
}

// use sets the provider's arguments.
func (c *Cloud) use(arguments map[string]string) {
	c.arguments = arguments
	c.provider = "provider \"massif\" {\n}\n"
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		c.Configure(fmt.Sprintf("%s = %q", name, arguments[name]))
	}
}

// HCL is a configuration with the provider block of this cloud, in which {{name}} is the test's prefix.
func (c *Cloud) HCL(text string) string {
	return c.provider + strings.ReplaceAll(text, "{{name}}", c.Prefix)
}

// Configure adds an argument to the provider block of this cloud.
func (c *Cloud) Configure(argument string) {
	c.provider = strings.TrimSuffix(c.provider, "}\n") + "  " + argument + "\n}\n"
}

// Providers are the factories of the provider under test.
func Providers() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"massif": providerserver.NewProtocol6WithError(provider.New("test")()),
	}
}

// Test runs the steps with the provider of this cloud: {{name}} is replaced in each configuration, and
// at the end nothing of the test may be left in the cloud.
func (c *Cloud) Test(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	if _, err := binary(); err != nil {
		t.Fatal(err)
	}
	for i := range steps {
		if steps[i].Config != "" {
			steps[i].Config = c.HCL(steps[i].Config)
		}
	}
	factories := Providers()
	maps.Copy(factories, c.Others)
	factories["echo"] = echoprovider.NewProviderServer() // shows in its state what is ephemeral
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy:             func(*terraform.State) error { return inventory.Empty(context.Background(), c.leftovers) },
		Steps:                    steps,
	})
}

// binary is the Terraform or OpenTofu that runs the tests: TF_ACC_TERRAFORM_PATH, else terraform, else
// tofu. Without it here, the test framework would try to download one.
var binary = sync.OnceValues(func() (string, error) {
	chosen := os.Getenv("TF_ACC_TERRAFORM_PATH")
	for _, name := range []string{"terraform", "tofu"} {
		if found, err := exec.LookPath(name); chosen == "" && err == nil {
			chosen = found
		}
	}
	if chosen == "" {
		return "", errors.New("neither terraform nor tofu is in PATH, and TF_ACC_TERRAFORM_PATH is not set")
	}
	settings := map[string]string{"TF_ACC_TERRAFORM_PATH": chosen}
	if strings.HasPrefix(filepath.Base(chosen), "tofu") {
		// The test framework's default namespace is one that OpenTofu knows for its own registry only.
		settings["TF_ACC_PROVIDER_HOST"] = "registry.opentofu.org"
		settings["TF_ACC_PROVIDER_NAMESPACE"] = "hashicorp"
	}
	for name, setting := range settings {
		if err := os.Setenv(name, setting); err != nil {
			return "", err
		}
	}
	return chosen, nil
})

func (c *Cloud) leftovers(ctx context.Context) ([]string, error) {
	if c.Simulator != nil {
		return c.Simulator.Leftovers(), nil
	}
	all, err := inventory.Of(ctx, c.Cloud)
	var left []string
	for _, o := range all {
		if strings.HasPrefix(o.Name, c.Prefix) || strings.HasPrefix(o.Description, c.Prefix) {
			left = append(left, o.String())
		}
	}
	return left, err
}

// Words matches the text in what Terraform prints, which breaks lines wherever the window ends.
func Words(text string) *regexp.Regexp {
	var quoted []string
	for word := range strings.FieldsSeq(text) {
		quoted = append(quoted, regexp.QuoteMeta(word))
	}
	return regexp.MustCompile(strings.Join(quoted, `[\s│╷╵]+`))
}

// Blamed matches an error that has the words and is shown at the line of the attribute to blame; at the first line of its block where
// the attribute is not there ("") or where it is inside of an object ("fixed_ips.subnet_id").
func Blamed(attribute, words string) *regexp.Regexp {
	const block = `(resource|data|ephemeral) "massif_`
	line := block
	name, _, inside := strings.Cut(attribute, ".")
	switch {
	case inside:
		line = `(` + block + `|` + name + `\s*=)`
	case name != "":
		line = name + `\s*=`
	}
	return regexp.MustCompile(`(?is)\d+:\s+` + line + `.*` + Words(words).String())
}
