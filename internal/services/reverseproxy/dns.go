package reverseproxy

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/dns/v2/recordsets"
	"github.com/gophercloud/gophercloud/v2/openstack/dns/v2/zones"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// apex is how a record says that it has the zone's own name.
const apex = "@"

func isRecordName() validator.String {
	return attribute.Obeys("must be a name in the zone, such as proxy, or @", func(name string) error {
		if name == apex {
			return nil
		}
		if strings.HasSuffix(name, ".") || recordLabels.FindString(name) == "" {
			return fmt.Errorf("%q is none: labels of lower case letters, digits and hyphens without a dot at the end, the first may be *", name)
		}
		_, err := documents.Host(name + ".example.com")
		return err
	})
}

var recordLabels = regexp.MustCompile(`^(\*|[a-z0-9]([a-z0-9-]*[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// ensureRecords makes the names in the zone lead to the proxy, and takes away those that do no more.
func (s *site) ensureRecords(ctx context.Context, prior *proxyModel) error {
	if s.m.DNS.Equal(prior.DNS) && s.m.Address.Equal(prior.Address) {
		return nil
	}
	had, err := decode[dnsModel](ctx, prior.DNS)
	if err != nil {
		return err
	}
	wanted, err := decode[dnsModel](ctx, s.m.DNS)
	if err != nil {
		return err
	}
	if value.Known(s.m.DNS) {
		if err := s.setRecords(ctx, wanted); err != nil {
			return err
		}
	}
	stale := slices.DeleteFunc(had.names(), func(name string) bool {
		return had.ZoneID.Equal(wanted.ZoneID) && slices.Contains(wanted.names(), name)
	})
	return deleteRecords(ctx, s.Cloud, had.ZoneID.ValueString(), stale, s.Owner)
}

func (s *site) setRecords(ctx context.Context, d dnsModel) error {
	zone := d.ZoneID.ValueString()
	client, suffix, err := openZone(ctx, s.Cloud, zone)
	if err != nil {
		return lifecycle.At(path.Root("dns").AtName("zone_id"), err)
	}
	address, err := netip.ParseAddr(s.m.Address.ValueString())
	if err != nil {
		return fmt.Errorf("read the proxy's address: %w", err)
	}
	family := "A"
	if address.Is6() {
		family = "AAAA"
	}
	for _, name := range slices.Sorted(slices.Values(d.names())) {
		whole := wholeName(name, suffix)
		found, err := findRecord(ctx, client, zone, whole, family)
		if err != nil {
			return err
		}
		body := map[string]any{"records": []string{address.String()}, "ttl": value.IntPtr(d.TTL)}
		method, target, code := http.MethodPut, client.ServiceURL("zones", zone, "recordsets", found.ID), []int{http.StatusOK, http.StatusAccepted}
		switch {
		case found.ID == "":
			body["name"], body["type"], body["description"] = whole, family, kind.Tag+s.Owner
			method, target, code = http.MethodPost, client.ServiceURL("zones", zone, "recordsets"), []int{http.StatusCreated, http.StatusAccepted}
		case found.Description != kind.Tag+s.Owner:
			return lifecycle.Invalid(path.Root("dns").AtName("names"), "%s has a record of type %s already, which is not this proxy's", whole, family)
		}
		if _, err := client.Request(ctx, method, target, &gophercloud.RequestOpts{JSONBody: body, OkCodes: code}); err != nil {
			return fmt.Errorf("set the record %s: %w", whole, err)
		}
	}
	return nil
}

// openZone is the client and the name of a zone.
func openZone(ctx context.Context, cloud *openstack.Cloud, id string) (*gophercloud.ServiceClient, string, error) {
	client, err := cloud.DNS()
	if err != nil {
		return nil, "", err
	}
	zone, err := zones.Get(ctx, client, id).Extract()
	if err != nil {
		return nil, "", fmt.Errorf("read zone %s: %w", id, err)
	}
	return client, zone.Name, nil
}

func wholeName(name, zone string) string {
	if name == apex {
		return zone
	}
	return name + "." + zone
}

// findRecord is the record set of that name and type; one without an id when there is none.
func findRecord(ctx context.Context, client *gophercloud.ServiceClient, zone, name, family string) (recordsets.RecordSet, error) {
	var answer struct {
		RecordSets []recordsets.RecordSet `json:"recordsets"`
	}
	query := url.Values{"name": {name}, "type": {family}}
	if _, err := client.Get(ctx, client.ServiceURL("zones", zone, "recordsets")+"?"+query.Encode(), &answer, nil); err != nil {
		return recordsets.RecordSet{}, fmt.Errorf("find the record %s: %w", name, err)
	}
	for _, found := range answer.RecordSets {
		if found.Name == name && found.Type == family {
			return found, nil
		}
	}
	return recordsets.RecordSet{}, nil
}

// removeRecords takes away all names of a proxy.
func removeRecords(ctx context.Context, cloud *openstack.Cloud, dns types.Object, owner string) error {
	d, err := decode[dnsModel](ctx, dns)
	if err != nil {
		return err
	}
	return deleteRecords(ctx, cloud, d.ZoneID.ValueString(), d.names(), owner)
}

// deleteRecords deletes those of the names that are the proxy's. That the zone is gone is no error.
func deleteRecords(ctx context.Context, cloud *openstack.Cloud, zone string, names []string, owner string) error {
	if len(names) == 0 {
		return nil
	}
	client, suffix, err := openZone(ctx, cloud, zone)
	if openstack.NotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		for _, family := range []string{"A", "AAAA"} {
			found, err := findRecord(ctx, client, zone, wholeName(name, suffix), family)
			if err != nil {
				return err
			}
			if found.ID == "" || found.Description != kind.Tag+owner {
				continue
			}
			if _, err := client.Delete(ctx, client.ServiceURL("zones", zone, "recordsets", found.ID), &gophercloud.RequestOpts{
				OkCodes: []int{http.StatusAccepted, http.StatusNoContent},
			}); err != nil && !openstack.NotFound(err) {
				return fmt.Errorf("delete the record %s: %w", found.Name, err)
			}
		}
	}
	return nil
}
