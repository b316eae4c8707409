package provider_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// unlisted are the resources that no list can show, and why.
var unlisted = map[string]string{
	"massif_cluster":         "its keys are only in the state of the configuration that made it, so it cannot be imported",
	"massif_node_pool":       "as a cluster",
	"massif_reverse_proxy":   "its encryption key is only in the state of the configuration that made it, so it cannot be imported",
	"massif_security_policy": "it is several groups, and which belong together only its import says",
}

// What can be imported can be found.
func TestEveryResourceIsListed(t *testing.T) {
	t.Parallel()
	s := acctest.Serve(t).Schemas
	for name := range s.ResourceSchemas {
		_, listed := s.ListResourceSchemas[name]
		if _, excused := unlisted[name]; listed == excused {
			t.Errorf("%s: listed %v, excused %v: implement lifecycle.Lister", name, listed, excused)
		}
	}
	if len(s.ListResourceSchemas) < 10 {
		t.Errorf("only %d are listed", len(s.ListResourceSchemas))
	}
}

func TestListsAndActionsAreDescribedAndHaveExamples(t *testing.T) {
	t.Parallel()
	s := acctest.Serve(t).Schemas
	all := map[string]*tfprotov6.Schema{}
	for name, schema := range s.ListResourceSchemas {
		all["list "+name] = schema
		need(t, "examples/list-resources/"+name+"/list-resource.tfquery.hcl")
	}
	for name, action := range s.ActionSchemas {
		all["action "+name] = action.Schema
		need(t, "examples/actions/"+name+"/action.tf")
		if action.Schema.Block.Description == "" {
			t.Errorf("action %s has no description", name)
		}
	}
	for name, schema := range all {
		walk(name, schema.Block.Attributes, func(path string, a *tfprotov6.SchemaAttribute) {
			if !strings.HasSuffix(a.Description, ".") {
				t.Errorf("the description of %s is no sentence: %q", path, a.Description)
			}
		})
	}
	for name := range s.ResourceSchemas {
		if _, excused := unlisted[name]; !excused || name == "massif_security_policy" {
			need(t, "examples/resources/"+name+"/import-by-identity.tf")
		}
	}
}

func need(t *testing.T, file string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join("..", "..", file)); err != nil {
		t.Errorf("%s is missing", file)
	}
}

// source is what a type says that it can be moved from.
var source = regexp.MustCompile(`openstack_\w+`)

// Every type that takes over the state of the common provider's is tried in TestAdoption.
func TestEveryMoveIsTried(t *testing.T) {
	t.Parallel()
	s := acctest.Serve(t)
	moves := 0
	for _, name := range slices.Sorted(maps.Keys(s.Schemas.ResourceSchemas)) {
		resp, err := s.MoveResourceState(t.Context(), &tfprotov6.MoveResourceStateRequest{
			SourceProviderAddress: "registry.terraform.io/hashicorp/random", SourceTypeName: "random_pet", TargetTypeName: name,
			SourceState: &tfprotov6.RawState{JSON: []byte(`{"id": "1"}`)},
		})
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, d := range resp.Diagnostics {
			said += d.Detail
		}
		from := source.FindAllString(said, -1)
		tried := adoptees[strings.TrimPrefix(name, "massif_")].from
		switch {
		case len(from) == 0 && tried != "":
			t.Errorf("%s does not say that it moves from %s: %s", name, tried, said)
		case len(from) > 0 && !slices.Contains(from, tried):
			t.Errorf("%s moves from %v, but none of these is tried", name, from)
		}
		moves += len(from)
	}
	if moves < len(adoptees) {
		t.Errorf("%d moves, %d adoptees", moves, len(adoptees))
	}
}

// A region that is not there is told with the regions that are, whatever is listed.
func TestEveryListKnowsRegions(t *testing.T) {
	c := acctest.OnSimulator(t, "it lists every service, of which a real cloud may lack some")
	s := c.Server(t)
	for name := range s.Schemas.ListResourceSchemas {
		_, failed := listed(t, s, name, map[string]string{"region": "Atlantis"}, 0, false)
		if !strings.Contains(failed, "Atlantis") || !strings.Contains(failed, c.Region()) {
			t.Errorf("%s: %s", name, failed)
		}
	}
}

// A list with all there is to know of many objects costs what a list costs.
func TestListReadsManyWithOneRequest(t *testing.T) {
	a := api{t, acctest.OnSimulator(t, "it counts the requests, and leaves the objects there")}
	for i := range 20 {
		a.create(a.Network, "networks", "network", object{"name": fmt.Sprint("n", i)})
		a.create(a.Network, "security-groups", "security_group", object{"name": fmt.Sprint("n", i)})
		a.create(a.Compute, "os-server-groups", "server_group", object{"name": fmt.Sprint("n", i), "policy": "affinity"})
		a.create(a.BlockStorage, "volumes", "volume", object{"name": fmt.Sprint("n", i), "size": 1})
	}
	for name, more := range map[string]int{"massif_network": 0, "massif_security_group": 1 /* the project's default */, "massif_server_group": 0, "massif_volume": 0} {
		s := a.Server(t)
		if _, failed := listed(t, s, "massif_keypair", nil, 0, false); failed != "" { // gets the token
			t.Fatal(failed)
		}
		a.Simulator.ResetRequests()
		found, failed := listed(t, s, name, nil, 0, true)
		if failed != "" || len(found) != 20+more {
			t.Errorf("%s: %d found, %s", name, len(found), failed)
		}
		if n := len(a.Simulator.Requests()); n != 1 {
			t.Errorf("%s: %d requests", name, n)
			for _, r := range a.Simulator.Requests() {
				t.Log(r.Method, r.Path, r.Query)
			}
		}
		if few, _ := listed(t, s, name, nil, 7, true); len(few) != 7 {
			t.Errorf("%s: %d found with a limit of 7", name, len(few))
		}
	}
}
