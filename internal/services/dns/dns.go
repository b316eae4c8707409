// Package dns has the resources and data sources of Designate.
package dns

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Resources are the resource types of this service.
func Resources() []func() resource.Resource {
	return []func() resource.Resource{
		lifecycle.Resource(recordSet{}),
		lifecycle.Resource(zone{}),
	}
}

// DataSources are the data source types of this service.
func DataSources() []func() datasource.DataSource {
	return []func() datasource.DataSource{
		lifecycle.DataSource(recordSetSource{}),
		lifecycle.DataSource(zoneSource{}),
	}
}

const (
	active = "ACTIVE"
	failed = "ERROR"

	// pageSize is the most that Designate lists at once.
	pageSize = "1000"
	// maxTTL is the largest time to live there is, RFC 2181.
	maxTTL = 1<<31 - 1
	// maxDescription is how long Designate's descriptions may be.
	maxDescription = 160
)

// apiZone is a zone as the API tells it. The client library's options drop a TTL of 0 and the null that takes one away.
type apiZone struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	ProjectID   string            `json:"project_id"`
	Email       string            `json:"email"`
	Description string            `json:"description"`
	TTL         int               `json:"ttl"`
	Type        string            `json:"type"`
	Masters     []string          `json:"masters"`
	Attributes  map[string]string `json:"attributes"`
	Status      string            `json:"status"`
	Action      string            `json:"action"`
	CreatedAt   apiTime           `json:"created_at"`
}

type apiRecordSet struct {
	ID          string   `json:"id"`
	ZoneID      string   `json:"zone_id"`
	ZoneName    string   `json:"zone_name"`
	ProjectID   string   `json:"project_id"`
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Records     []string `json:"records"`
	Description string   `json:"description"`
	TTL         *int     `json:"ttl"`
	Status      string   `json:"status"`
	Action      string   `json:"action"`
	CreatedAt   apiTime  `json:"created_at"`
}

// zoneReads answers many reads with one list.
var zoneReads = openstack.Collection[apiZone]{
	Name:    "zones",
	Service: (*openstack.Cloud).DNS,
	ID:      func(z apiZone) string { return z.ID },
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (apiZone, error) {
		return request[apiZone](ctx, client, http.MethodGet, nil, "zones", id)
	},
	List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]apiZone, error) {
		return pages[apiZone](ctx, client, "zones", nil, "zones")
	},
}

// recordSetReads answers many reads, of any zones, with one list.
var recordSetReads = openstack.Collection[apiRecordSet]{
	Name:    "record sets",
	Service: (*openstack.Cloud).DNS,
	ID:      func(s apiRecordSet) string { return s.ZoneID + "/" + s.ID },
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (apiRecordSet, error) {
		zone, set, _ := strings.Cut(id, "/")
		return request[apiRecordSet](ctx, client, http.MethodGet, nil, "zones", zone, "recordsets", set)
	},
	List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]apiRecordSet, error) {
		return pages[apiRecordSet](ctx, client, "recordsets", nil, "recordsets")
	},
}

// delegation is where a zone is served.
type delegation struct {
	zone    string
	servers []string
}

// delegations reads the name servers of many zones with one list of their own record sets.
var delegations = openstack.Collection[delegation]{
	Name:    "name servers",
	Service: (*openstack.Cloud).DNS,
	ID:      func(d delegation) string { return d.zone },
	Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (delegation, error) {
		found, err := request[struct {
			NameServers []struct {
				Hostname string `json:"hostname"`
			} `json:"nameservers"`
		}](ctx, client, http.MethodGet, nil, "zones", id, "nameservers")
		d := delegation{zone: id}
		for _, s := range found.NameServers {
			d.servers = append(d.servers, s.Hostname)
		}
		return d, err
	},
	List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]delegation, error) {
		sets, err := pages[apiRecordSet](ctx, client, "recordsets", url.Values{"type": {"NS"}}, "recordsets")
		var all []delegation
		for _, s := range sets {
			if s.Name == s.ZoneName {
				all = append(all, delegation{zone: s.ZoneID, servers: s.Records})
			}
		}
		return all, err
	},
}

// request sends a request about one object; an answer of another kind than T's is an error of the API.
func request[T any](ctx context.Context, client *gophercloud.ServiceClient, method string, body any, path ...string) (T, error) {
	var answer T
	_, err := client.Request(ctx, method, client.ServiceURL(path...), &gophercloud.RequestOpts{
		JSONBody: body, JSONResponse: &answer, OkCodes: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted},
	})
	return answer, err
}

// send is request for those who have a cloud.
func send[T any](ctx context.Context, cloud *openstack.Cloud, method string, body map[string]any, path ...string) (T, error) {
	client, err := cloud.DNS()
	if err != nil {
		var none T
		return none, err
	}
	if body == nil { // nil in an interface is not nothing
		return request[T](ctx, client, method, nil, path...)
	}
	return request[T](ctx, client, method, body, path...)
}

// pages reads every page of a list.
func pages[T any](ctx context.Context, client *gophercloud.ServiceClient, key string, query url.Values, path ...string) ([]T, error) {
	var all []T
	asked := url.Values{"limit": {pageSize}}
	for name, values := range query {
		asked[name] = values
	}
	for next := client.ServiceURL(path...) + "?" + asked.Encode(); next != ""; {
		var page map[string]json.RawMessage
		if _, err := client.Get(ctx, next, &page, nil); err != nil {
			return nil, err
		}
		var objects []T
		if err := json.Unmarshal(page[key], &objects); err != nil {
			return nil, fmt.Errorf("read the list of %s: %w", key, err)
		}
		all = append(all, objects...)
		var links struct {
			Next string `json:"next"`
		}
		if raw, ok := page["links"]; ok {
			if err := json.Unmarshal(raw, &links); err != nil {
				return nil, fmt.Errorf("read the list of %s: %w", key, err)
			}
		}
		next = links.Next
	}
	return all, nil
}

// find lists what matches a query, for lookups by something else than the id.
func find[T any](ctx context.Context, cloud *openstack.Cloud, key string, query url.Values, path ...string) ([]T, error) {
	client, err := cloud.DNS()
	if err != nil {
		return nil, err
	}
	return pages[T](ctx, client, key, query, path...)
}

// duplicate tells whether the API says that there is one already.
func duplicate(err error) bool {
	fault, ok := openstack.FaultOf(err)
	return ok && fault.Status == http.StatusConflict && strings.HasPrefix(fault.Kind, "duplicate_")
}
