package objectstorage_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// wrong is a configuration that must fail before anything is made, at a place and with what would be right.
type wrong struct {
	body  string
	at    string // a word of the line that is to blame
	wants string
}

// refuses plans every configuration: KIND is the block's head, and the body what is in it.
func refuses(t *testing.T, head string, table map[string]wrong) {
	t.Helper()
	for name, w := range table {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{
				Config: head + " \"test\" {\n" + w.body + "\n}\n", PlanOnly: true,
				ExpectError: regexp.MustCompile(`(?s)` + regexp.QuoteMeta(w.at) + `.*` + acctest.Words(w.wants).String()),
			})
		})
	}
}

func TestObjectContainerInvalid(t *testing.T) {
	named := func(rest string) string { return "  name = \"a\"\n  " + rest }
	refuses(t, `resource "massif_object_container"`, map[string]wrong{
		"slash":              {`name = "a/b"`, "name", `must not contain a slash`},
		"empty":              {`name = ""`, "name", `length must be between 1 and 256`},
		"long":               {`name = "` + strings.Repeat("a", 257) + `"`, "name", `length must be between 1 and 256`},
		"dots":               {`name = ".."`, "name", `value must be none of`},
		"metadata key":       {named(`metadata = { "a b" = "c" }`), "metadata", "must have 1 to 128 letters"},
		"metadata twice":     {named(`metadata = { a = "1", A = "2" }`), "metadata", `are the same key to Swift`},
		"metadata reserved":  {named(`metadata = { quota-bytes = "1" }`), "metadata", `has an attribute of its own`},
		"metadata empty":     {named(`metadata = { a = "" }`), "metadata", `length must be between 1 and 256`},
		"metadata lines":     {named(`metadata = { a = "b\nc" }`), "metadata", `must be one line of text`},
		"acl":                {named(`read_acl = ["everybody"]`), "read_acl", `of which either may be`},
		"acl list in one":    {named(`read_acl = [".r:*,.rlistings"]`), "read_acl", `must be one element`},
		"public writing":     {named(`write_acl = [".r:*"]`), "write_acl", `reading can be allowed to everybody, not writing`},
		"quota":              {named(`quota_bytes = -1`), "quota_bytes", `must be at least 0`},
		"quota of objects":   {named(`quota_count = -1`), "quota_count", `must be at least 0`},
		"key without number": {named(`temp_url_key_wo = "k"`), "temp_url_key_wo", `temp_url_keys_wo_version`},
		"cors":               {named(`cors = { max_age = 1 }`), "cors", `attribute "allowed_origins" is required`},
		"cors without any":   {named(`cors = { allowed_origins = [] }`), "cors", `must contain at least 1 elements`},
		"cors age":           {named(`cors = { allowed_origins = ["*"], max_age = -1 }`), "max_age", `must be at least 0`},
		"page":               {named(`static_web = { index = "" }`), "index", `length must be between 1 and 256`},
		"sync":               {named(`sync_to = "elsewhere"`), "sync_to", `must be such as //realm/cluster/account/container`},
		"sync of versions":   {named("sync_to = \"//r/c/a/b\"\n  versioning = true"), "sync_to", `set either this or versioning`},
		"sync key alone":     {named("sync_key_wo = \"k\"\n  sync_key_wo_version = 1"), "sync_key_wo_version", `set sync_to, too`},
	})
}

func TestObjectInvalid(t *testing.T) {
	file := func(rest string) string { return "  container = \"c\"\n  name = \"o\"\n  content = \"\"\n  " + rest }
	from := func(rest string) string { return "  container = \"c\"\n  name = \"o\"\n  " + rest }
	refuses(t, `resource "massif_object"`, map[string]wrong{
		"container slash":    {`container = "a/b"` + "\n  name = \"o\"\n  content = \"\"", "container", `must not contain a slash`},
		"name empty":         {`container = "c"` + "\n  name = \"\"\n  content = \"\"", "name", `length must be between 1 and 1024`},
		"name long":          {`container = "c"` + "\n  name = \"" + strings.Repeat("ä", 513) + "\"\n  content = \"\"", "name", `length must be between 1 and 1024`},
		"name dots":          {`container = "c"` + "\n  name = \"a/../b\"\n  content = \"\"", "name", `must not be called ".."`},
		"name slash":         {`container = "c"` + "\n  name = \"/a\"\n  content = \"\"", "name", `so write "a"`},
		"no content":         {from(""), "massif_object", `one (and only one) of`},
		"two contents":       {file(`file = "x"`), "file", `one (and only one) of`},
		"base64":             {from(`content_base64 = "?"`), "content_base64", `must be base64`},
		"secret unnumbered":  {from(`content_wo = "x"`), "content_wo", `content_wo_version`},
		"number alone":       {file(`content_wo_version = 1`), "content_wo_version", `content_wo`},
		"directory":          {from(`file = "/tmp"`), "file", `It must be a file: /tmp is no regular file`},
		"segment small":      {file(`segment_size = 1000`), "segment_size", `value must be between 1048576 and 5368709120`},
		"segment large":      {file(`segment_size = 6000000000`), "segment_size", `value must be between 1048576 and 5368709120`},
		"segment container":  {file(`segment_container = "a/b"`), "segment_container", `must not contain a slash`},
		"copy in segments":   {from("copy_from = { container = \"d\", name = \"o\" }\n  segment_size = 2000000"), "copy_from", `segment_size`},
		"copy of itself":     {from(`copy_from = { container = "c", name = "o" }`), "copy_from", `cannot be a copy of itself`},
		"copy without name":  {from(`copy_from = { container = "c" }`), "copy_from", `attribute "name" is required`},
		"copy of dots":       {from(`copy_from = { container = "d", name = "./a" }`), "name", `must not be called "."`},
		"type":               {file(`content_type = "text"`), "content_type", `must be a media type, such as`},
		"disposition":        {file(`content_disposition = "; ;"`), "content_disposition", `It must be such as inline or`},
		"encoding lines":     {file(`content_encoding = "a\nb"`), "content_encoding", `must be one line of text`},
		"cache empty":        {file(`cache_control = ""`), "cache_control", `length must be between 1 and 1024`},
		"metadata key":       {file(`metadata = { "a_b" = "c" }`), "metadata", `must have 1 to 128 letters`},
		"metadata twice":     {file(`metadata = { a = "1", A = "2" }`), "metadata", `are the same key to Swift`},
		"expiry twice":       {file("delete_after = 60\n  delete_at = \"2037-01-01T00:00:00Z\""), "delete_after", `delete_at`},
		"expiry at once":     {file(`delete_after = 0`), "delete_after", `must be at least 1`},
		"expiry no time":     {file(`delete_at = "tomorrow"`), "delete_at", `such as 2030-01-31T00:00:00Z`},
		"expiry in the past": {file(`delete_at = "2020-01-01T00:00:00Z"`), "delete_at", `Choose a later time, or remove the resource`},
	})
}

func TestTempURLInvalid(t *testing.T) {
	of := func(rest string) string { return "  container = \"c\"\n  ttl = 60\n  " + rest }
	refuses(t, `ephemeral "massif_temp_url"`, map[string]wrong{
		"nothing":          {of(""), "massif_temp_url", `one (and only one) of`},
		"both":             {of("object = \"a\"\n  prefix = \"a\""), "object", `one (and only one) of`},
		"container":        {"container = \"a/b\"\n  object = \"a\"\n  ttl = 1", "container", `must not contain a slash`},
		"no time":          {"container = \"a\"\n  object = \"a\"\n  ttl = 0", "ttl", `must be at least 1`},
		"method":           {of("object = \"a\"\n  method = \"get\""), "method", `value must be one of`},
		"digest":           {of("object = \"a\"\n  digest = \"md5\""), "digest", `value must be one of`},
		"range":            {of("object = \"a\"\n  ip_range = \"here\""), "ip_range", `must be an address or a network, such as`},
		"range with host":  {of("object = \"a\"\n  ip_range = \"192.0.2.1/24\""), "ip_range", `the network is 192.0.2.0/24`},
		"upload as a file": {of("object = \"a\"\n  method = \"PUT\"\n  filename = \"b\""), "filename", `the method must be GET`},
		"upload inline":    {of("object = \"a\"\n  method = \"PUT\"\n  inline = true"), "inline", `the method must be GET`},
		"empty key":        {of("object = \"a\"\n  key = \"\""), "key", `string length must be at least 1`},
	})
}

// A file that is too large for Swift's thousand segments fails the plan, with the size that would do.
func TestObjectTooManySegments(t *testing.T) {
	file := sparse(t, 1001<<20)
	acctest.New(t).Test(t, resource.TestStep{
		Config:   in(fmt.Sprintf("  name = \"o\"\n  file = %q\n  segment_size = 1048576", file)),
		PlanOnly: true, ExpectError: acctest.Words("Swift takes 1000, so this must be at least 1049625"),
	})
}
