// Package cluster has the Kubernetes clusters: the control plane and its pools of nodes.
package cluster

import (
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
)

// Resources are the resource types of this service.
func Resources() []func() resource.Resource {
	known := newJoins()
	return []func() resource.Resource{
		lifecycle.Resource(cluster{known}),
		lifecycle.Resource(nodePool{known}),
	}
}

// EphemeralResources are the ephemeral resource types of this service.
func EphemeralResources() []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{
		lifecycle.EphemeralResource(kubeconfig{}),
	}
}
