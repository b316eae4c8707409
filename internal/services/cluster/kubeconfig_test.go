package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	massif "github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
)

// accessTo are ephemeral kubeconfigs of the cluster, shown in the state by their names.
func accessTo(bodies map[string]string) string {
	var text, data strings.Builder
	for name, body := range bodies {
		fmt.Fprintf(&text, `
ephemeral "massif_cluster_kubeconfig" %q {
  cluster_name = massif_cluster.a.name
  endpoint     = massif_cluster.a.endpoint
  secrets      = massif_cluster.a.secrets
  %s
}
`, name, body)
		fmt.Fprintf(&data, "    %s = ephemeral.massif_cluster_kubeconfig.%s\n", name, name)
	}
	return text.String() + "provider \"echo\" {\n  data = {\n" + data.String() + "  }\n}\nresource \"echo\" \"test\" {}\n"
}

// reads checks whether somebody with such a kubeconfig may list nodes, and when it ends.
func reads(name string, want bool, ttl time.Duration) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		shown := func(attribute string) string {
			return state.RootModule().Resources["echo.test"].Primary.Attributes["data."+name+"."+attribute]
		}
		client, err := clientOf(shown("kubeconfig"))
		if err != nil {
			return err
		}
		_, err = client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
		if want && err != nil || !want && !apierrors.IsForbidden(err) {
			return fmt.Errorf("list nodes as %s of %s: %w", shown("user"), shown("groups.0"), err)
		}
		access, err := clientcmd.RESTConfigFromKubeConfig([]byte(shown("kubeconfig")))
		if err != nil {
			return err
		}
		ends, err := massif.CertificateExpiry(string(access.CertData))
		if err != nil {
			return err
		}
		if left := time.Until(ends); left > ttl || left < ttl-5*time.Minute || ends.UTC().Format(time.RFC3339) != shown("expires_at") {
			return fmt.Errorf("the certificate ends at %s, expires_at is %s, ttl %s", ends, shown("expires_at"), ttl)
		}
		return nil
	}
}

func TestAccClusterKubeconfig(t *testing.T) {
	acctest.OnSimulator(t, "nodes boot").Test(t, resource.TestStep{
		Config: config{servers: 1, agents: -1}.String() + accessTo(map[string]string{
			"admin": "", "viewer": "user = \"ci\"\n  groups = [\"viewers\"]\n  ttl = 600",
		}),
		Check: resource.ComposeTestCheckFunc(reads("admin", true, time.Hour), reads("viewer", false, 10*time.Minute)),
	})
}

func TestAccClusterKubeconfigRefused(t *testing.T) {
	const sound = "cluster_name = \"prod\"\n  endpoint = \"https://192.0.2.1:6443\"\n  secrets = "
	for name, test := range map[string]struct{ body, path, words string }{
		"secrets":        {sound + `"{}"`, "secrets", `must be the attribute secrets of a massif_cluster`},
		"user of system": {sound + "\"{}\"\n  user = \"system:admin\"", "user", `for Kubernetes itself`},
		"its group":      {sound + "\"{}\"\n  groups = [\"system:masters\"]", "groups", `for Kubernetes itself`},
		"long user":      {sound + "\"{}\"\n  user = \"" + fmt.Sprintf("%065d", 0) + `"`, "user", `between 1 and 64`},
		"ttl":            {sound + "\"{}\"\n  ttl = 1", "ttl", `between 60 and 7776000`},
	} {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{
				Config:      "ephemeral \"massif_cluster_kubeconfig\" \"a\" {\n  " + test.body + "\n}\nprovider \"echo\" { data = ephemeral.massif_cluster_kubeconfig.a }\nresource \"echo\" \"test\" {}\n",
				ExpectError: acctest.Blamed(test.path, test.words),
			})
		})
	}
}
