package provider_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// Every example applies, plans nothing the second time, and destroys to nothing.
func TestExamples(t *testing.T) {
	var files []string
	for _, pattern := range []string{"resources/*/resource.tf", "data-sources/*/data-source.tf", "ephemeral-resources/*/ephemeral-resource.tf"} {
		found, err := filepath.Glob(filepath.Join("..", "..", "examples", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatal("there are no examples")
	}
	if testing.Short() && os.Getenv("OS_CLOUD") != "" {
		t.Skip("-short: on a real cloud they take minutes, where the types' own tests run, too")
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := cloudFor(t, string(text))
			c.Test(t, resource.TestStep{Config: ownNames(string(text))})
		})
	}
}

// cloudFor is where an example can run. The flavors, images and networks that examples refer to are on the simulator and on the
// cloud of `make openstack-up`.
func cloudFor(t *testing.T, example string) *acctest.Cloud {
	if strings.Contains(example, `resource "massif_cluster"`) {
		return acctest.OnSimulator(t, "nodes boot")
	}
	return acctest.New(t)
}

// name is a line that names a resource. A name inside of an object is not at this depth.
var name = regexp.MustCompile(`(?m)^  name\s*= "([^"]+)"$`)

// ownNames puts the test's prefix before the names that an example gives, also where it looks something up by them.
func ownNames(example string) string {
	for _, block := range regexp.MustCompile(`(?ms)^resource ".*?^}`).FindAllString(example, -1) {
		found := name.FindStringSubmatch(block)
		if found == nil || strings.HasPrefix(block, `resource "massif_dns_record_set"`) { // its name is in its zone's
			continue
		}
		lookups := regexp.MustCompile(`(\bname\s*= ")` + regexp.QuoteMeta(found[1]) + `"`)
		example = lookups.ReplaceAllString(example, `${1}{{name}}-`+found[1]+`"`)
	}
	return example
}
