package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// schemas are what the provider tells Terraform about itself.
func schemas(t *testing.T) *tfprotov6.GetProviderSchemaResponse {
	t.Helper()
	server, err := acctest.Providers()["massif"]()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		t.Errorf("%s: %s", d.Summary, d.Detail)
	}
	return resp
}

// walk calls f for every attribute, with its path.
func walk(prefix string, attributes []*tfprotov6.SchemaAttribute, f func(string, *tfprotov6.SchemaAttribute)) {
	for _, a := range attributes {
		name := prefix + "." + a.Name
		f(name, a)
		if a.NestedType != nil {
			walk(name, a.NestedType.Attributes, f)
		}
	}
}

// secretName is an attribute whose name says that its value is a secret.
var secretName = regexp.MustCompile(`(^|_)(password|secret|secret_key|private_key|token|kubeconfig|user_data)$`)

func TestEveryAttributeIsDescribedAndSecretsAreHidden(t *testing.T) {
	t.Parallel()
	s := schemas(t)
	all := map[string]*tfprotov6.Schema{"provider": s.Provider}
	for name, r := range s.ResourceSchemas {
		all["resource "+name] = r
	}
	for name, d := range s.DataSourceSchemas {
		all["data source "+name] = d
	}
	for name, e := range s.EphemeralResourceSchemas {
		all["ephemeral resource "+name] = e
	}
	for name, schema := range all {
		if schema.Block.Description == "" {
			t.Errorf("%s has no description", name)
		}
		var hidden []string
		walk(name, schema.Block.Attributes, func(path string, a *tfprotov6.SchemaAttribute) {
			if a.Description == "" {
				t.Errorf("%s has no description", path)
			} else if !strings.HasSuffix(a.Description, ".") {
				t.Errorf("the description of %s is no sentence: %q", path, a.Description)
			}
			if a.Sensitive || a.WriteOnly {
				hidden = append(hidden, path+".")
			}
			if secretName.MatchString(a.Name) && !slices.ContainsFunc(hidden, func(h string) bool { return strings.HasPrefix(path+".", h) }) {
				t.Errorf("%s is a secret by its name, but neither it nor what holds it is sensitive or write-only", path)
			}
		})
	}
}

func TestEveryTypeHasExamplesAndDocumentation(t *testing.T) {
	t.Parallel()
	s := schemas(t)
	root := filepath.Join("..", "..")
	need := func(file string) {
		t.Helper()
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Errorf("%s is missing", file)
		}
	}
	for name := range s.ResourceSchemas {
		need(fmt.Sprintf("examples/resources/%s/resource.tf", name))
		need(fmt.Sprintf("docs/resources/%s.md", strings.TrimPrefix(name, "massif_")))
		if name != "massif_cluster" && name != "massif_node_pool" { // their keys are only in the state of the configuration that made them
			need(fmt.Sprintf("examples/resources/%s/import.sh", name))
		}
	}
	for name := range s.DataSourceSchemas {
		need(fmt.Sprintf("examples/data-sources/%s/data-source.tf", name))
		need(fmt.Sprintf("docs/data-sources/%s.md", strings.TrimPrefix(name, "massif_")))
	}
	for name := range s.EphemeralResourceSchemas {
		need(fmt.Sprintf("examples/ephemeral-resources/%s/ephemeral-resource.tf", name))
		need(fmt.Sprintf("docs/ephemeral-resources/%s.md", strings.TrimPrefix(name, "massif_")))
	}
	need("docs/index.md")
}
