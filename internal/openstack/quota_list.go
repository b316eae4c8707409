package openstack

import (
	"context"
	"errors"
)

// Allowance is what a project may have of something, and has. A limit below zero is none.
type Allowance struct{ Limit, Used int }

// Quotas asks every service that keeps quotas for those of the project. What a cloud does not tell is left out; it is an error when it tells nothing.
func (c *Cloud) Quotas(ctx context.Context) (map[Quota]Allowance, error) {
	all := map[Quota]Allowance{}
	var errs []error
	for _, service := range []Quota{QuotaInstances, QuotaVolumes, QuotaNetworks, QuotaLoadBalancers} {
		found, err := c.allowances(ctx, quotaService(service))
		errs = append(errs, err)
		for quota, a := range found {
			all[quota] = Allowance{a.limit, a.used}
		}
	}
	if len(all) > 0 {
		return all, nil
	}
	return nil, errors.Join(errs...)
}
