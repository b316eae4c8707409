package objectstorage_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/objectstorage/v1/objects"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

const thing = "massif_object.test"

// in is an object in a container of its own.
func in(body string) string {
	return `
resource "massif_object_container" "test" { name = "{{name}}" }

resource "massif_object" "test" {
  container = massif_object_container.test.name
` + body + "\n}\n"
}

func objectPlan(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(thing, action)}}
}

func has(name string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(thing, tfjsonpath.New(name), check)
}

func sumOf(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

// fetch is an object as it is in the cloud.
func fetch(t *testing.T, c *acctest.Cloud, path string) (string, http.Header) {
	t.Helper()
	client, err := c.ObjectStorage()
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Request(t.Context(), http.MethodGet, client.ServiceURL(path), &gophercloud.RequestOpts{KeepResponseBody: true, OkCodes: []int{200}})
	if err != nil {
		t.Error(err)
		return "", nil
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return string(content), response.Header
}

// holds checks the content of an object.
func holds(t *testing.T, c *acctest.Cloud, path, want string) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if got, _ := fetch(t, c, c.Prefix+"/"+path); got != want {
			t.Errorf("%s holds %d bytes, want %d", path, len(got), len(want))
		}
		return nil
	}
}

func TestObjectBasicAndImport(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{
			Config: in(`  name = "notes.txt"` + "\n" + `  content = "hello"`),
			ConfigStateChecks: []statecheck.StateCheck{
				has("id", knownvalue.StringExact(c.Prefix+"/notes.txt")),
				has("etag", knownvalue.StringExact(sumOf([]byte("hello")))),
				has("size", knownvalue.Int64Exact(5)),
				has("segmented", knownvalue.Bool(false)),
				has("content_type", knownvalue.StringExact("text/plain; charset=utf-8")),
				has("metadata", knownvalue.MapSizeExact(0)),
				has("delete_at", knownvalue.Null()),
			},
			Check: holds(t, c, "notes.txt", "hello"),
		},
		resource.TestStep{ResourceName: thing, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"content"}},
		// What is there already is not sent again.
		resource.TestStep{
			Config:           in(`  name = "notes.txt"` + "\n" + `  content_base64 = "aGVsbG8="`),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
		},
	)
}

const fullObject = `
  name                = "data/report.json"
  content             = "{}"
  content_type        = "application/json; charset=utf-8"
  content_encoding    = "identity"
  content_disposition = "attachment; filename=\"ä.json\""
  cache_control       = "max-age=60"
  metadata            = { Owner = "ops", greeting = "grüß dich" }
  delete_at           = "2037-01-31T01:00:00+01:00"
`

func TestObjectFull(t *testing.T) {
	c := acctest.New(t)
	modified := ""
	remember := func(*terraform.State) error {
		_, header := fetch(t, c, c.Prefix+"/data/report.json")
		modified = header.Get("X-Timestamp")
		return nil
	}
	c.Test(t,
		resource.TestStep{
			Config: in(fullObject),
			ConfigStateChecks: []statecheck.StateCheck{
				has("metadata", knownvalue.MapExact(map[string]knownvalue.Check{"Owner": knownvalue.StringExact("ops"), "greeting": knownvalue.StringExact("grüß dich")})),
				has("delete_at", knownvalue.StringExact("2037-01-31T01:00:00+01:00")),
			},
			Check: remember,
		},
		resource.TestStep{
			ResourceName: thing, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"content", "metadata", "delete_at"}, // written in another way: the same key, the same instant
		},
		// What describes it changes without the content, all at once.
		resource.TestStep{
			Config: in(`
  name          = "data/report.json"
  content       = "{}"
  content_type  = "text/plain"
  cache_control = "no-store"
  metadata      = { owner = "dev" }
  delete_after  = 2592000
`),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				has("content_encoding", knownvalue.Null()),
				has("content_disposition", knownvalue.Null()),
				has("metadata", knownvalue.MapExact(map[string]knownvalue.Check{"owner": knownvalue.StringExact("dev")})),
				has("delete_at", knownvalue.StringFunc(inDays(30))),
			},
		},
		resource.TestStep{
			Config:           in("  name = \"data/report.json\"\n  content = \"[1]\""),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				has("delete_at", knownvalue.Null()),
				has("cache_control", knownvalue.Null()),
				has("content_type", knownvalue.StringExact("text/plain")), // stays: nobody asks for another
				has("etag", knownvalue.StringExact(sumOf([]byte("[1]")))),
			},
			Check: func(*terraform.State) error {
				if _, header := fetch(t, c, c.Prefix+"/data/report.json"); header.Get("X-Timestamp") == modified {
					t.Error("nothing was sent")
				}
				return nil
			},
		},
		resource.TestStep{
			Config:           in("  name = \"data/other.json\"\n  content = \"[1]\""),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionDestroyBeforeCreate),
		},
	)
}

// inDays checks that a time is so many days from now.
func inDays(days int) func(string) error {
	return func(text string) error {
		at, err := time.Parse(time.RFC3339, text)
		if left := time.Until(at) - time.Duration(days)*24*time.Hour; err == nil && (left > time.Minute || left < -10*time.Minute) {
			err = fmt.Errorf("%s is not in %d days", text, days)
		}
		return err
	}
}

func TestObjectNames(t *testing.T) {
	c := acctest.New(t)
	var text strings.Builder
	var checks []resource.TestCheckFunc
	for i, name := range []string{"with space", "ä/ö/日本語.txt", "100%", "a?b=c&d#e", "plus+minus", "folder/"} {
		fmt.Fprintf(&text, "resource \"massif_object\" \"o%d\" {\n  container = massif_object_container.test.name\n  name = %q\n  content = \"content %d\"\n}\n", i, name, i)
		checks = append(checks, holds(t, c, url.PathEscape(name), fmt.Sprintf("content %d", i)))
	}
	steps := []resource.TestStep{{Config: config("") + text.String(), Check: resource.ComposeAggregateTestCheckFunc(checks...)}}
	for i := range 2 {
		steps = append(steps, resource.TestStep{
			ResourceName: "massif_object.o" + strconv.Itoa(i), ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"content"},
		})
	}
	c.Test(t, steps...)
}

// write makes a file.
func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestObjectFile(t *testing.T) {
	c := acctest.New(t)
	file := filepath.Join(t.TempDir(), "page.html")
	write(t, file, []byte("<p>one"))
	body := fmt.Sprintf("  name = \"page.html\"\n  file = %q", file)
	c.Test(t,
		resource.TestStep{
			Config:            in(body),
			ConfigStateChecks: []statecheck.StateCheck{has("content_type", knownvalue.StringExact("text/html; charset=utf-8")), has("content", knownvalue.Null())},
			Check:             holds(t, c, "page.html", "<p>one"),
		},
		resource.TestStep{
			PreConfig:        func() { write(t, file, []byte("<p>two")) },
			Config:           in(body),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
			Check:            holds(t, c, "page.html", "<p>two"),
		},
		// Drift: somebody else wrote it.
		resource.TestStep{
			PreConfig: func() {
				send(t.Context(), t, c, http.MethodPut, c.Prefix+"/page.html", "defaced", map[string]string{"Content-Type": "text/html; charset=utf-8"})
			},
			Config:           in(body),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
			Check:            holds(t, c, "page.html", "<p>two"),
		},
		resource.TestStep{
			PreConfig:        func() { send(t.Context(), t, c, http.MethodDelete, c.Prefix+"/page.html", "", nil) },
			Config:           in(body),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionCreate),
			Check:            holds(t, c, "page.html", "<p>two"),
		},
	)
}

// A file that another resource makes is not there when the plan is made.
func TestObjectFileOfTheSameRun(t *testing.T) {
	c := acctest.New(t)
	file := filepath.Join(t.TempDir(), "made")
	c.Test(t, resource.TestStep{
		Config: fmt.Sprintf(`
resource "terraform_data" "file" {
  input = %q
  provisioner "local-exec" { command = "printf content > ${self.input}" }
}`, file) + in("  name = \"made\"\n  file = "+strconv.Quote(file)+"\n  depends_on = [terraform_data.file]"),
		Check: holds(t, c, "made", "content"),
	})
}

func TestObjectFileNeverMade(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config:      in("  name = \"none\"\n  file = \"/nonexistent/file\""),
		ExpectError: acctest.Words("It cannot be read: open /nonexistent/file"),
	})
}

func TestObjectWriteOnlyContent(t *testing.T) {
	c := acctest.New(t)
	body := func(content string, version int) string {
		return in(fmt.Sprintf("  name = \"secret\"\n  content_wo = %q\n  content_wo_version = %d", content, version))
	}
	c.Test(t,
		resource.TestStep{
			Config:            body("one", 1),
			ConfigStateChecks: []statecheck.StateCheck{has("content_wo", knownvalue.Null())},
			Check:             holds(t, c, "secret", "one"),
		},
		resource.TestStep{Config: body("two", 1), ConfigPlanChecks: objectPlan(plancheck.ResourceActionNoop), Check: holds(t, c, "secret", "one")},
		resource.TestStep{Config: body("two", 2), ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate), Check: holds(t, c, "secret", "two")},
		resource.TestStep{
			PreConfig:        func() { send(t.Context(), t, c, http.MethodPut, c.Prefix+"/secret", "three", nil) },
			Config:           body("two", 2),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
			Check:            holds(t, c, "secret", "two"),
		},
	)
}

func TestObjectCopy(t *testing.T) {
	c := acctest.New(t)
	body := func(content, more string) string {
		return in("  name = \"copy ä\"\n  copy_from = {\n    container = massif_object_container.test.name\n    name = massif_object.source.name\n    etag = massif_object.source.etag\n  }\n"+more) + `
resource "massif_object" "source" {
  container = massif_object_container.test.name
  name      = "folder/source ö.json"
  content   = "` + content + `"
  metadata  = { of = "source" }
}`
	}
	c.Test(t,
		resource.TestStep{
			Config: body("one", ""),
			ConfigStateChecks: []statecheck.StateCheck{
				has("content_type", knownvalue.StringExact("application/json")), has("metadata", knownvalue.MapSizeExact(0)), has("size", knownvalue.Int64Exact(3)),
			},
			Check: holds(t, c, url.PathEscape("copy ä"), "one"),
		},
		resource.TestStep{Config: body("one", "  metadata = { of = \"copy\" }"), ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: body("other", ""), ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate), Check: holds(t, c, url.PathEscape("copy ä"), "other")},
		resource.TestStep{
			PreConfig:        func() { send(t.Context(), t, c, http.MethodPut, c.Prefix+"/"+url.PathEscape("copy ä"), "x", nil) },
			Config:           body("other", ""),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
			Check:            holds(t, c, url.PathEscape("copy ä"), "other"),
		},
	)
}

func TestObjectCopyOfNothing(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config:      in("  name = \"copy\"\n  copy_from = { container = massif_object_container.test.id, name = \"none\" }"),
		ExpectError: acctest.Words("one of the objects or containers does not exist"),
	})
}

// An object that exists already must not be overwritten.
func TestObjectExists(t *testing.T) {
	c := acctest.New(t)
	twin := func(body string) string {
		return in("  name = \"a\"\n  content = \"mine\"") + "resource \"massif_object\" \"twin\" {\n  container = massif_object.test.container\n  name = massif_object.test.name\n" + body + "\n}\n"
	}
	taken := acctest.Words("terraform import 'massif_object.NAME' '" + c.Prefix + "/a'")
	c.Test(t,
		resource.TestStep{Config: in("  name = \"a\"\n  content = \"mine\"")},
		resource.TestStep{Config: twin(`  content = "yours"`), ExpectError: taken},
		resource.TestStep{Config: twin(`  copy_from = { container = massif_object.test.container, name = "a", etag = "x" }`), ExpectError: acctest.Words("An object cannot be a copy of itself")},
		resource.TestStep{Config: in("  name = \"a\"\n  content = \"mine\""), ConfigPlanChecks: objectPlan(plancheck.ResourceActionNoop), Check: holds(t, c, "a", "mine")},
	)
}

func TestObjectWithoutContainer(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config:      "resource \"massif_object\" \"test\" {\n  container = \"{{name}}-none\"\n  name = \"a\"\n  content = \"\"\n}",
		ExpectError: acctest.Words("There is no container"),
	})
}

// An expired object is gone: the plan makes it anew.
func TestObjectExpires(t *testing.T) {
	c := acctest.New(t)
	body := func(seconds int) string {
		return in(fmt.Sprintf("  name = \"brief\"\n  content = \"x\"\n  delete_after = %d", seconds))
	}
	expire := func() {
		client, err := c.ObjectStorage()
		if err != nil {
			t.Fatal(err)
		}
		if err := objects.Update(t.Context(), client, c.Prefix, "brief", objects.UpdateOpts{DeleteAfter: new(int64(1))}).Err; err != nil {
			t.Fatal(err)
		}
		if !acctest.Eventually(t, time.Minute, func() bool {
			return openstack.NotFound(objects.Get(t.Context(), client, c.Prefix, "brief", nil).Err)
		}) {
			t.Fatal("it is still there")
		}
	}
	c.Test(t,
		resource.TestStep{Config: body(1000)},
		resource.TestStep{PreConfig: expire, Config: body(1000), ConfigPlanChecks: objectPlan(plancheck.ResourceActionCreate)},
		resource.TestStep{Config: body(1000), ConfigPlanChecks: objectPlan(plancheck.ResourceActionNoop)},
		resource.TestStep{
			Config:            body(2000),
			ConfigPlanChecks:  objectPlan(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{has("delete_at", knownvalue.NotNull())},
		},
	)
}

// Unknown values must neither fail the plan nor be taken for settings.
func TestObjectUnknowns(t *testing.T) {
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{
			Config: `
resource "terraform_data" "later" { input = { name = "o.txt", content = "later", at = "2037-01-01T00:00:00Z", meta = { a = "b" }, size = 2000000, text = "br" } }
` + in(`
  name             = terraform_data.later.output.name
  content          = terraform_data.later.output.content
  delete_at        = terraform_data.later.output.at
  metadata         = terraform_data.later.output.meta
  segment_size     = terraform_data.later.output.size
  content_encoding = terraform_data.later.output.text
`),
			ConfigStateChecks: []statecheck.StateCheck{has("etag", knownvalue.StringExact(sumOf([]byte("later")))), has("content_type", knownvalue.NotNull())},
			Check: func(*terraform.State) error {
				_, header := fetch(t, c, c.Prefix+"/o.txt")
				if header.Get("X-Object-Meta-A") != "b" || header.Get("Content-Encoding") != "br" {
					t.Errorf("headers %v", header)
				}
				return nil
			},
		},
	)
}

// large is content that takes three segments of one MiB.
func large(seed byte) []byte {
	content := bytes.Repeat([]byte{seed, 1, 2, 3, 4, 5, 6, 7}, (5<<20)/2/8)
	return append(content, seed)
}

// segments are the names in the container of the segments.
func segments(t *testing.T, c *acctest.Cloud, container string) []string {
	t.Helper()
	client, err := c.ObjectStorage()
	if err != nil {
		t.Fatal(err)
	}
	var found []struct{ Name string }
	_, err = client.Get(t.Context(), client.ServiceURL(container)+"?format=json", &found, &gophercloud.RequestOpts{OkCodes: []int{200, 204, 404}})
	if err != nil {
		return nil // a page that says 404 is no JSON
	}
	var names []string
	for _, f := range found {
		names = append(names, f.Name)
	}
	return names
}

func TestObjectInSegments(t *testing.T) {
	c := acctest.New(t)
	file := filepath.Join(t.TempDir(), "large.bin")
	write(t, file, large(1))
	body := func(more string) string {
		return in(fmt.Sprintf("  name = \"dir/large ä.bin\"\n  file = %q\n  segment_size = 1048576\n%s", file, more))
	}
	name := "dir/" + url.PathEscape("large ä.bin")
	count := func(n int, container string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			if got := segments(t, c, container); len(got) != n {
				t.Errorf("segments: %q, want %d", got, n)
			}
			return nil
		}
	}
	c.Test(t,
		resource.TestStep{
			Config:            body(""),
			ConfigStateChecks: []statecheck.StateCheck{has("segmented", knownvalue.Bool(true)), has("size", knownvalue.Int64Exact(int64(len(large(1)))))},
			Check:             resource.ComposeAggregateTestCheckFunc(holds(t, c, name, string(large(1))), count(3, c.Prefix+"_segments")),
		},
		resource.TestStep{ResourceName: thing, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"file", "segment_size"}},
		// Only what describes it: the segments end with it.
		resource.TestStep{
			Config:           body("  delete_at = \"2037-01-01T00:00:00Z\""),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
			Check: func(*terraform.State) error {
				for _, s := range segments(t, c, c.Prefix+"_segments") {
					if _, header := fetch(t, c, c.Prefix+"_segments/"+url.PathEscape(s)); header.Get("X-Delete-At") == "" {
						t.Errorf("%s does not end", s)
					}
				}
				return nil
			},
		},
		// Other content: the old segments go.
		resource.TestStep{
			PreConfig:        func() { write(t, file, large(2)) },
			Config:           body(""),
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
			Check:            resource.ComposeAggregateTestCheckFunc(holds(t, c, name, string(large(2))), count(3, c.Prefix+"_segments")),
		},
		// Another container for the segments.
		resource.TestStep{
			Config: body("  segment_container = massif_object_container.parts.name") + `
resource "massif_object_container" "parts" { name = "{{name}}-parts" }`,
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
			Check:            resource.ComposeAggregateTestCheckFunc(holds(t, c, name, string(large(2))), count(3, c.Prefix+"-parts"), count(0, c.Prefix+"_segments")),
		},
		// In one piece again.
		resource.TestStep{
			PreConfig:        func() { write(t, file, []byte("small")) },
			Config:           body("") + "resource \"massif_object_container\" \"parts\" { name = \"{{name}}-parts\" }",
			ConfigPlanChecks: objectPlan(plancheck.ResourceActionUpdate),
			Check:            resource.ComposeAggregateTestCheckFunc(holds(t, c, name, "small"), count(0, c.Prefix+"-parts"), count(0, c.Prefix+"_segments")),
		},
		resource.TestStep{PreConfig: func() { write(t, file, large(3)) }, Config: body(""), Check: holds(t, c, name, string(large(3)))},
	)
}

// Older versions of an object are made of older segments.
func TestObjectInSegmentsWithVersions(t *testing.T) {
	c := acctest.New(t)
	file := filepath.Join(t.TempDir(), "large.bin")
	write(t, file, large(1))
	body := fmt.Sprintf(`
resource "massif_object_container" "test" {
  name          = "{{name}}"
  versioning    = true
  force_destroy = true
}
resource "massif_object_container" "parts" {
  name          = "{{name}}-parts"
  force_destroy = true
}
resource "massif_object" "test" {
  container         = massif_object_container.test.name
  name              = "large"
  file              = %q
  segment_size      = 1048576
  segment_container = massif_object_container.parts.name
}`, file)
	c.Test(t,
		resource.TestStep{Config: body},
		resource.TestStep{
			PreConfig: func() { write(t, file, large(2)) },
			Config:    body,
			Check: func(*terraform.State) error {
				if got := segments(t, c, c.Prefix+"-parts"); len(got) != 6 {
					t.Errorf("segments: %q", got)
				}
				return nil
			},
		},
	)
}

// When an upload fails, none of its segments is left, and no object.
func TestObjectInSegmentsFails(t *testing.T) {
	for name, path := range map[string]string{"segment": "/slo/[0-9a-f]+/00000003$", "manifest": "/large$"} {
		t.Run(name, func(t *testing.T) {
			c := acctest.OnSimulator(t, "a request fails on purpose")
			file := filepath.Join(t.TempDir(), "large.bin")
			write(t, file, large(1))
			if err := c.Simulator.AddFault(simulator.Fault{Method: http.MethodPut, Service: "object-store", Path: path, Status: http.StatusInsufficientStorage}); err != nil {
				t.Fatal(err)
			}
			c.Test(t, resource.TestStep{
				Config:      in(fmt.Sprintf("  name = \"large\"\n  file = %q\n  segment_size = 1048576", file)),
				ExpectError: acctest.Words("507"),
			})
		})
	}
}

// An answer that is lost leaves nothing behind that Terraform does not know.
func TestObjectAnswersThatAreLost(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"once":          {Count: 1, Drop: true, Late: true},
		"every time":    {Drop: true, Late: true},
		"not even sent": {Count: 2, Drop: true},
		"busy":          {Count: 2, Status: http.StatusServiceUnavailable},
		"gateway":       {Count: 1, Status: http.StatusBadGateway, Late: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := acctest.OnSimulator(t, "an answer is lost on purpose")
			fault.Method, fault.Service, fault.Path = http.MethodPut, "object-store", "/o$"
			if err := c.Simulator.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			c.Test(t, resource.TestStep{Config: in("  name = \"o\"\n  content = \"x\""), Check: holds(t, c, "o", "x")})
		})
	}
}

// sparse is a file that has no content on disk.
func sparse(t *testing.T, size int64) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sparse")
	write(t, file, nil)
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
	return file
}
