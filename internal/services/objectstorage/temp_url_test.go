package objectstorage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// site is a container with a key for temporary URLs.
const site = `
resource "massif_object_container" "test" {
  name                     = "{{name}}"
  force_destroy            = true
  temp_url_key_wo          = "a key"
  temp_url_keys_wo_version = 1
}
`

// tempURLs are ephemeral resources, shown in the state by their names.
func tempURLs(bodies map[string]string) string {
	var text, data strings.Builder
	for name, body := range bodies {
		fmt.Fprintf(&text, "ephemeral \"massif_temp_url\" %q {\n  container = massif_object_container.test.name\n%s\n}\n", name, body)
		fmt.Fprintf(&data, "    %s = ephemeral.massif_temp_url.%s\n", name, name)
	}
	return site + text.String() + "provider \"echo\" {\n  data = {\n" + data.String() + "  }\n}\nresource \"echo\" \"test\" {}\n"
}

// attempt asks without credentials.
func attempt(ctx context.Context, method, address, body string) (status int, text string, header http.Header, err error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, "", nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", nil, err
	}
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), response.Header, errors.Join(err, response.Body.Close())
}

// echoed is a value that an ephemeral resource had.
func echoed(s *terraform.State, name string) string {
	return s.RootModule().Resources["echo.test"].Primary.Attributes["data."+name]
}

func TestTempURL(t *testing.T) {
	c := acctest.New(t)
	expect := func(t *testing.T, method, address, body string, status int, content string) http.Header {
		t.Helper()
		got, text, header, err := attempt(t.Context(), method, address, body)
		if err != nil || got != status || content != "" && text != content {
			t.Errorf("%s %s: %d %q %v, want %d %q", method, address, got, text, err, status, content)
		}
		return header
	}
	c.Test(t,
		resource.TestStep{Config: site},
		resource.TestStep{
			PreConfig: func() { fill(t, c) },
			Config: tempURLs(map[string]string{
				"get":     `  object = "folder/ä b?c"` + "\n  ttl = 600\n  filename = \"brief ä.txt\"",
				"inline":  `  object = "100%"` + "\n  ttl = 600\n  inline = true\n  digest = \"sha512\"",
				"put":     `  object = "upload"` + "\n  ttl = 600\n  method = \"PUT\"\n  digest = \"sha1\"",
				"below":   `  prefix = "folder/"` + "\n  ttl = 600",
				"all":     `  prefix = ""` + "\n  ttl = 600",
				"here":    `  object = "plain"` + "\n  ttl = 600\n  ip_range = \"127.0.0.0/8\"",
				"nowhere": `  object = "plain"` + "\n  ttl = 600\n  ip_range = \"192.0.2.1\"",
				"key":     `  object = "plain"` + "\n  ttl = 600\n  key = \"a key\"",
				"wrong":   `  object = "plain"` + "\n  ttl = 600\n  key = \"another\"",
				"short":   `  object = "plain"` + "\n  ttl = 1",
			}),
			Check: func(s *terraform.State) error {
				header := expect(t, "GET", echoed(s, "get.url"), "", 200, "content")
				if disposition := header.Get("Content-Disposition"); !strings.Contains(disposition, "brief%20%C3%A4.txt") {
					t.Errorf("disposition %q", disposition)
				}
				expect(t, "HEAD", echoed(s, "get.url"), "", 200, "")
				expect(t, "DELETE", echoed(s, "get.url"), "", 401, "")
				header = expect(t, "GET", echoed(s, "inline.url"), "", 200, "content")
				if disposition := header.Get("Content-Disposition"); !strings.HasPrefix(disposition, "inline") {
					t.Errorf("disposition %q", disposition)
				}
				expect(t, "PUT", echoed(s, "put.url"), "uploaded", 201, "")
				expect(t, "GET", echoed(s, "put.url"), "", 401, "")
				expect(t, "GET", echoed(s, "below.container_url")+"/folder/"+url.PathEscape("ä b?c")+"?"+echoed(s, "below.query"), "", 200, "content")
				expect(t, "GET", echoed(s, "below.container_url")+"/plain?"+echoed(s, "below.query"), "", 401, "")
				expect(t, "GET", echoed(s, "all.container_url")+"/upload?"+echoed(s, "all.query"), "", 200, "uploaded")
				expect(t, "GET", echoed(s, "here.url"), "", 200, "content")
				expect(t, "GET", echoed(s, "nowhere.url"), "", 401, "")
				expect(t, "GET", echoed(s, "key.url"), "", 200, "content")
				expect(t, "GET", echoed(s, "wrong.url"), "", 401, "")
				at, err := time.Parse(time.RFC3339, echoed(s, "short.expires_at"))
				if err != nil {
					return err
				}
				select {
				case <-t.Context().Done():
				case <-time.After(time.Until(at.Add(1100 * time.Millisecond))):
				}
				expect(t, "GET", echoed(s, "short.url"), "", 401, "")
				return nil
			},
		},
	)
}

// Without a key there is nothing to sign with, nor without a container.
func TestTempURLWithoutKey(t *testing.T) {
	with := func(container string) string {
		return config("") + `
ephemeral "massif_temp_url" "test" {
  container = ` + container + `
  object    = "a"
  ttl       = 1
}
provider "echo" { data = ephemeral.massif_temp_url.test }
resource "echo" "test" {}`
	}
	acctest.New(t).Test(t,
		resource.TestStep{Config: with("massif_object_container.test.name"), ExpectError: acctest.Words("refer to it by massif_object_container.NAME.id")},
		resource.TestStep{Config: with("massif_object_container.test.id"), ExpectError: acctest.Words("temp_url_key_wo of massif_object_container")},
	)
}

// A container that is made in the same run is signed for when it is there.
func TestTempURLOfANewContainer(t *testing.T) {
	acctest.New(t).Test(t, resource.TestStep{
		Config: site + `
ephemeral "massif_temp_url" "test" {
  container = massif_object_container.test.id
  object    = "a"
  ttl       = 60
  method    = "PUT"
}
resource "terraform_data" "test" {
  provisioner "local-exec" {
    command     = "test \"$(curl -s -o /dev/null -w '%%{http_code}' -X PUT -d content \"$ADDRESS\")\" = 201"
    environment = { ADDRESS = ephemeral.massif_temp_url.test.url }
  }
}`,
	})
}
