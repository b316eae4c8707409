package identity_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// Each of these must fail before anything is made, at the attribute and with what would be right.
func TestIdentityInvalid(t *testing.T) {
	rule := func(service, method, path string) string {
		return `access_rules = [{ service = "` + service + `", method = "` + method + `", path = "` + path + `" }]`
	}
	named := func(rest string) string {
		return "resource \"massif_application_credential\" \"test\" {\n  name = \"a\"\n  " + rest + "\n}"
	}
	for name, w := range map[string]struct{ config, at, wants string }{
		"name":                {`resource "massif_application_credential" "test" { name = "" }`, "name", `length must be between 1 and 255`},
		"name long":           {`resource "massif_application_credential" "test" { name = "` + strings.Repeat("a", 256) + `" }`, "name", `length must be between 1 and 255`},
		"no roles":            {named(`roles = []`), "roles", `must contain at least 1 elements`},
		"role empty":          {named(`roles = [""]`), "roles", `length must be between 1 and 255`},
		"role of others":      {named(`roles = ["admin"]`), "roles", `user has no role "admin" in this project; it has:`},
		"no rules":            {named(`access_rules = []`), "access_rules", `must contain at least 1 elements`},
		"rule without a path": {named(`access_rules = [{ service = "compute", method = "GET" }]`), "access_rules", `attribute "path" is required`},
		"rule path":           {named(rule("compute", "GET", "v2.1/servers")), "access_rules", `must begin with a slash, such as /v2.1/servers`},
		"rule path spaces":    {named(rule("compute", "GET", "/a b")), "access_rules", `must begin with a slash, such as /v2.1/servers`},
		"rule method":         {named(rule("compute", "get", "/v2.1/servers")), "access_rules", `value must be one of`},
		"rule service":        {named(rule("Nova 2", "GET", "/v2.1/servers")), "access_rules", `must be a type of service, such as compute`},
		"end":                 {named(`expires_at = "2030-01-01"`), "expires_at", `such as 2030-01-31T00:00:00Z`},
		"end in the past":     {named(`expires_at = "2020-01-01T00:00:00Z"`), "expires_at", `is over; choose a later time`},
		"end at once":         {named(`expires_after = 0`), "expires_after", `must be at least 1`},
		"two ends":            {named("expires_after = 60\n  expires_at = \"2037-01-01T00:00:00Z\""), "expires_after", `expires_at`},
		"always renewed":      {named("expires_after = 60\n  renew_before = 60"), "renew_before", `must be less than expires_after (60)`},
		"renewed before":      {named("expires_after = 60\n  renew_before = -1"), "renew_before", `must be at least 0`},
		"renewed without end": {named(`renew_before = 60`), "renew_before", `set expires_after or expires_at, too`},
		"secret unnumbered":   {named(`secret_wo = "long enough"`), "secret_wo", `secret_wo_version`},
		"secret number alone": {named(`secret_wo_version = 1`), "secret_wo_version", `secret_wo`},
		"secret short":        {named("secret_wo = \"short\"\n  secret_wo_version = 1"), "secret_wo", `length must be between 8 and 72`},
		"EC2 project":         {`resource "massif_ec2_credential" "test" { project_id = "" }`, "project_id", `length must be at least 1`},
		"project twice":       {"data \"massif_project\" \"test\" {\n  id = \"a\"\n  name = \"b\"\n}", "name", `only one of them can be set`},
		"project unnamed":     {`data "massif_project" "test" { name = "" }`, "name", `length must be between 1 and 64`},
	} {
		t.Run(name, func(t *testing.T) {
			acctest.New(t).Test(t, resource.TestStep{
				Config: w.config, PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)` + regexp.QuoteMeta(w.at) + `.*` + acctest.Words(w.wants).String()),
			})
		})
	}
}
