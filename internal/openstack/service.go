package openstack

import (
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// service is an official service type.
type service string

const (
	network       service = "network"
	compute       service = "compute"
	image         service = "image"
	loadBalancer  service = "load-balancer"
	objectStorage service = "object-store"
	blockStorage  service = "block-storage"
	identity      service = "identity"
	keyManager    service = "key-manager"
	dns           service = "dns"
)

// trailingVersion is the API version with which some catalogs end an endpoint.
var trailingVersion = regexp.MustCompile(`/v[0-9]+(\.[0-9]+)?/$`)

// anyVersion is the API version anywhere in an endpoint's path; Nova and Cinder may put the project after it.
var anyVersion = regexp.MustCompile(`/v[0-9]+(\.[0-9]+)?/`)

// types are the names under which catalogs list the service, best first.
func (s service) types() []string {
	switch s {
	case network:
		return []string{"network", "networking"}
	case blockStorage:
		return []string{"block-storage", "volumev3", "block-store", "volume"}
	default:
		return []string{string(s)}
	}
}

// version is the API version that the client library's paths start below; "" where the endpoint is complete.
func (s service) version() string {
	switch s {
	case network, loadBalancer:
		return "v2.0/"
	case compute:
		return "v2.1/"
	case image, dns:
		return "v2/"
	case blockStorage, identity:
		return "v3/"
	case keyManager:
		return "v1/"
	default:
		return ""
	}
}

// client makes the service's client from what the catalog says, without asking the service for its versions.
func (s service) client(provider *gophercloud.ProviderClient, endpoint string) *gophercloud.ServiceClient {
	client := &gophercloud.ServiceClient{ProviderClient: provider, Type: string(s), Endpoint: endpoint}
	switch s {
	case compute, blockStorage:
		if !anyVersion.MatchString(endpoint) {
			client.Endpoint = endpoint + s.version()
		}
	case network, image, loadBalancer, dns, keyManager:
		client.Endpoint = trailingVersion.ReplaceAllString(endpoint, "/")
		client.ResourceBase = client.Endpoint + s.version()
	case identity:
		client.Endpoint = trailingVersion.ReplaceAllString(endpoint, "/") + s.version()
	}
	if s == compute {
		client.Microversion = computeMicroversion
	}
	return client
}

// tokenPath tells requests that only prove who we are from those that change something.
func tokenPath(path string) bool { return strings.HasSuffix(path, "/auth/tokens") }
