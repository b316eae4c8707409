package network_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// Neutron finds names and tags in any case. A data source means what it says.
func TestDataSourcesCompareNamesExactly(t *testing.T) {
	const made = `
resource "massif_network" "upper" {
  name = "{{name}}-Prod"
  tags = ["{{name}}-Tag"]
}

resource "massif_network" "lower" {
  name = "{{name}}-prod"
  tags = ["{{name}}-tag"]
}

resource "massif_subnet" "upper" {
  name       = "{{name}}-Prod"
  network_id = massif_network.upper.id
  cidr       = "10.1.0.0/24"
}

resource "massif_subnet" "lower" {
  name       = "{{name}}-prod"
  network_id = massif_network.lower.id
  cidr       = "10.1.0.0/24"
}

resource "massif_security_group" "upper" { name = "{{name}}-Prod" }
resource "massif_security_group" "lower" { name = "{{name}}-prod" }
`
	c := acctest.New(t)
	c.Test(t,
		resource.TestStep{
			Config: made + `
data "massif_network" "upper" { name = massif_network.upper.name }
data "massif_network" "tagged" { tags = massif_network.lower.tags }
data "massif_subnet" "lower" { name = massif_subnet.lower.name }
data "massif_security_group" "upper" { name = massif_security_group.upper.name }
`,
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckResourceAttrPair("data.massif_network.upper", "id", "massif_network.upper", "id"),
				resource.TestCheckResourceAttrPair("data.massif_network.tagged", "id", "massif_network.lower", "id"),
				resource.TestCheckResourceAttrPair("data.massif_subnet.lower", "id", "massif_subnet.lower", "id"),
				resource.TestCheckResourceAttrPair("data.massif_security_group.upper", "id", "massif_security_group.upper", "id"),
			),
		},
		resource.TestStep{
			Config:      made + `data "massif_network" "none" { name = "{{name}}-PROD" }`,
			ExpectError: regexp.MustCompile(`No\s+network\s+matches`),
		},
	)
}
