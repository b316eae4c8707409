package cluster

import "github.com/massif-cloud/terraform-provider-massif/internal/openstack/fleet"

// clusters is what marks the servers, ports and load balancers of a cluster.
var clusters = fleet.Kind{Noun: "clusters", Tag: "massif:cluster="}

// controlPlane stands for a pool's id on the servers of the control plane.
const controlPlane = "servers"
