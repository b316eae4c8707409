package loadbalancer

import (
	"cmp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	engine "github.com/massif-cloud/terraform-provider-massif/internal/openstack/loadbalancer"
)

// Drivers of which it is known what they cannot do. Of others only the cloud knows.
const (
	driverAmphora = "amphora"
	driverOctavia = "octavia" // amphora by its old name
	driverOVN     = "ovn"
)

// driverKnows checks that the driver forwards the protocol of a listener or pool.
func (f *findings) driverKnows(at path.Path, protocol types.String) {
	simple := []string{engine.ProtocolTCP, engine.ProtocolUDP, engine.ProtocolSCTP}
	if known(protocol, f.driver) && f.driver.ValueString() == driverOVN && !slices.Contains(simple, protocol.ValueString()) {
		f.add(at.AtName("protocol"), "the driver ovn forwards TCP, UDP and SCTP only")
	}
}

// algorithm checks that the driver knows the algorithm.
func (f *findings) algorithm(at path.Path, algorithm types.String) {
	if algorithm.IsUnknown() || !known(f.driver) {
		return
	}
	name, driver := cmp.Or(algorithm.ValueString(), defaultAlgorithm), f.driver.ValueString()
	switch {
	case driver == driverOVN && name != "SOURCE_IP_PORT":
		f.add(at, "the driver ovn knows SOURCE_IP_PORT only")
	case (driver == driverAmphora || driver == driverOctavia) && name == "SOURCE_IP_PORT":
		f.add(at, "the driver %s does not know SOURCE_IP_PORT; SOURCE_IP is like it", driver)
	}
}
