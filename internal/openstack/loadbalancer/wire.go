package loadbalancer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"golang.org/x/sync/errgroup"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// parallel bounds the requests that one read has under way.
const parallel = 8

// kind is one of Octavia's collections: the path below /lbaas and what one object is called in JSON.
type kind struct{ path, noun string }

var (
	loadBalancers = kind{"loadbalancers", "loadbalancer"}
	listeners     = kind{"listeners", "listener"}
	policies      = kind{"l7policies", "l7policy"}
	pools         = kind{"pools", "pool"}
	monitors      = kind{"healthmonitors", "healthmonitor"}
)

// collection reads objects of a kind, many at once when possible. Octavia cannot filter by several ids.
func collection[T any](cloud *openstack.Cloud, k kind, id func(T) string) openstack.Collection[T] {
	return openstack.Collection[T]{
		Name:    "load balancer " + k.path,
		Service: (*openstack.Cloud).LoadBalancer,
		ID:      id,
		Get: func(ctx context.Context, client *gophercloud.ServiceClient, id string) (T, error) {
			var body map[string]T
			err := get(ctx, client, client.ServiceURL("lbaas", k.path, id), &body)
			return body[k.noun], err
		},
		List: func(ctx context.Context, client *gophercloud.ServiceClient, _ []string) ([]T, error) {
			query := url.Values{}
			if cloud.ProjectID() != "" {
				query.Set("project_id", cloud.ProjectID())
			}
			return list[T](ctx, client, client.ServiceURL("lbaas", k.path)+"?"+query.Encode(), k.path)
		},
	}
}

// All lists the load balancers of the project, without what is below them. Reads that follow soon are answered by it, too.
func All(ctx context.Context, cloud *openstack.Cloud) ([]Tree, error) {
	found, err := openstack.All(ctx, cloud, collection(cloud, loadBalancers, func(t Tree) string { return t.ID }))
	if err != nil {
		return nil, fmt.Errorf("list the load balancers: %w", err)
	}
	return found, nil
}

// list reads all pages of a list.
func list[T any](ctx context.Context, client *gophercloud.ServiceClient, address, plural string) ([]T, error) {
	var all []T
	for address != "" {
		var page map[string]json.RawMessage
		if err := get(ctx, client, address, &page); err != nil {
			return nil, err
		}
		var objects []T
		var links []gophercloud.Link
		if err := json.Unmarshal(page[plural], &objects); err != nil {
			return nil, fmt.Errorf("read the list of %s: %w", plural, err)
		}
		if raw, ok := page[plural+"_links"]; ok {
			if err := json.Unmarshal(raw, &links); err != nil {
				return nil, fmt.Errorf("read the pages of %s: %w", plural, err)
			}
		}
		all = append(all, objects...)
		address = ""
		for _, link := range links {
			if link.Rel == "next" {
				address = link.Href
			}
		}
	}
	return all, nil
}

func get(ctx context.Context, client *gophercloud.ServiceClient, address string, into any) error {
	return request(ctx, client, http.MethodGet, address, nil, into)
}

// request sends one request. The library accepts its usual codes for each method and closes the body.
func request(ctx context.Context, client *gophercloud.ServiceClient, method, address string, body, into any) error {
	opts := &gophercloud.RequestOpts{
		JSONBody: body, JSONResponse: into,
		OkCodes: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent},
	}
	resp, err := client.Request(ctx, method, address, opts)
	if err != nil {
		return err //nolint:wrapcheck // the callers say what was attempted
	}
	return resp.Body.Close()
}

// read fetches a tree, everything in it.
func read(ctx context.Context, cloud *openstack.Cloud, id string) (*Tree, error) {
	tree, err := openstack.Get(ctx, cloud, collection(cloud, loadBalancers, func(t Tree) string { return t.ID }), id)
	if err != nil {
		return nil, fmt.Errorf("read load balancer %s: %w", id, err)
	}
	return readBelow(ctx, cloud, tree, nil)
}

// readBelow completes a load balancer that was read already. The members of a pool and the rules of a policy each cost a
// request; where known has them under the same ids, it is believed. An object that goes away meanwhile is left out.
func readBelow(ctx context.Context, cloud *openstack.Cloud, lb Tree, known *Tree) (*Tree, error) {
	if err := lb.complete(ctx, cloud, known); err != nil {
		return nil, fmt.Errorf("read load balancer %q: %w", lb.Name, err)
	}
	return &lb, nil
}

// complete reads what is below a load balancer that knows the ids of its listeners and pools.
func (t *Tree) complete(ctx context.Context, cloud *openstack.Cloud, known *Tree) error {
	client, err := cloud.LoadBalancer()
	if err != nil {
		return err
	}
	if known == nil {
		known = &Tree{}
	}
	reads, ctx := errgroup.WithContext(ctx)
	reads.Go(func() error {
		var err error
		if t.Listeners, err = each(ctx, cloud, listeners, t.Listeners); err != nil {
			return err
		}
		below, belowCtx := errgroup.WithContext(ctx)
		below.SetLimit(parallel)
		for i := range t.Listeners {
			l := &t.Listeners[i]
			below.Go(func() error { return l.readPolicies(belowCtx, cloud, client, known.rules()) })
		}
		return below.Wait()
	})
	reads.Go(func() error {
		var err error
		if t.Pools, err = each(ctx, cloud, pools, t.Pools); err != nil {
			return err
		}
		below, belowCtx := errgroup.WithContext(ctx)
		below.SetLimit(parallel)
		believed := false
		for i := range t.Pools {
			p := &t.Pools[i]
			if p.MonitorID != "" {
				below.Go(func() error { return p.readMonitor(belowCtx, cloud) })
			}
			if p.believe(known) {
				believed = believed || len(p.Members) > 0
				continue
			}
			below.Go(func() error {
				var err error
				p.Members, err = unlessGone(list[member](belowCtx, client, client.ServiceURL("lbaas", "pools", p.ID, "members"), "members"))
				return err
			})
		}
		if err := below.Wait(); err != nil || !believed {
			return err
		}
		return t.readMemberStatuses(ctx, client)
	})
	return reads.Wait() //nolint:wrapcheck // the caller says what was read
}

// each reads the objects of which only the ids are known.
func each[T any, P interface {
	*T
	self() *object
}](ctx context.Context, cloud *openstack.Cloud, k kind, ids []T) ([]T, error) {
	found := make([]*T, len(ids))
	reads, ctx := errgroup.WithContext(ctx)
	c := collection(cloud, k, func(o T) string { return P(&o).self().ID })
	for i := range ids {
		reads.Go(func() error {
			o, err := openstack.Get(ctx, cloud, c, P(&ids[i]).self().ID)
			switch {
			case openstack.NotFound(err):
				return nil
			case err != nil:
				return fmt.Errorf("read its %s: %w", k.path, err)
			}
			found[i] = &o
			return nil
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // wrapped above
	}
	var objects []T
	for _, o := range found {
		if o != nil {
			objects = append(objects, *o)
		}
	}
	return objects, nil
}

func unlessGone[T any](objects []T, err error) ([]T, error) {
	if openstack.NotFound(err) {
		return nil, nil
	}
	return objects, err
}

func (l *listener) readPolicies(ctx context.Context, cloud *openstack.Cloud, client *gophercloud.ServiceClient, known map[string][]rule) error {
	var err error
	if l.Policies, err = each(ctx, cloud, policies, l.Policies); err != nil {
		return err
	}
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(parallel)
	for i := range l.Policies {
		p := &l.Policies[i]
		if len(p.Rules) == 0 {
			continue
		}
		p.Rules = slices.Clone(p.Rules)
		if rules := known[p.ID]; sameIDs(rules, p.Rules) {
			p.Rules = rules
			continue
		}
		reads.Go(func() error {
			var err error
			p.Rules, err = unlessGone(list[rule](ctx, client, client.ServiceURL("lbaas", "l7policies", p.ID, "rules"), "rules"))
			return err
		})
	}
	return reads.Wait() //nolint:wrapcheck // the caller says what was read
}

// rules are the rules of a tree by the ids of their policies.
func (t *Tree) rules() map[string][]rule {
	byPolicy := map[string][]rule{}
	for _, l := range t.Listeners {
		for _, p := range l.Policies {
			byPolicy[p.ID] = p.Rules
		}
	}
	return byPolicy
}

func (p *pool) readMonitor(ctx context.Context, cloud *openstack.Cloud) error {
	m, err := openstack.Get(ctx, cloud, collection(cloud, monitors, func(m monitor) string { return m.ID }), p.MonitorID)
	switch {
	case openstack.NotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read the monitor of pool %q: %w", p.Name, err)
	}
	p.Monitor = &m
	return nil
}

// believe takes over the members from a tree that has the same ones, and tells whether it could.
func (p *pool) believe(known *Tree) bool {
	p.Members = slices.Clone(p.Members)
	if len(p.Members) == 0 {
		return true
	}
	for _, k := range known.Pools {
		if k.ID == p.ID && sameIDs(k.Members, p.Members) {
			p.Members = slices.Clone(k.Members)
			return true
		}
	}
	return false
}

func sameIDs[T any, P interface {
	*T
	self() *object
}](a, b []T) bool {
	ids := func(objects []T) []string {
		var all []string
		for i := range objects {
			all = append(all, P(&objects[i]).self().ID)
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(ids(a), ids(b))
}

// readMemberStatuses brings the statuses of all members up to date with one request.
func (t *Tree) readMemberStatuses(ctx context.Context, client *gophercloud.ServiceClient) error {
	var body struct {
		Statuses struct {
			LoadBalancer struct {
				Listeners []struct {
					Pools []pool `json:"pools"`
				} `json:"listeners"`
			} `json:"loadbalancer"`
		} `json:"statuses"`
	}
	if err := get(ctx, client, client.ServiceURL("lbaas", "loadbalancers", t.ID, "status"), &body); err != nil {
		return fmt.Errorf("read the statuses: %w", err)
	}
	statuses := map[string]member{}
	for _, l := range body.Statuses.LoadBalancer.Listeners {
		for _, p := range l.Pools {
			for _, m := range p.Members {
				statuses[m.ID] = m
			}
		}
	}
	for i := range t.Pools {
		for j := range t.Pools[i].Members {
			m := &t.Pools[i].Members[j]
			if now, ok := statuses[m.ID]; ok {
				m.ProvisioningStatus, m.OperatingStatus = now.ProvisioningStatus, now.OperatingStatus
			} else {
				// The status tree leaves out pools without a listener; their members are as far as the pool is.
				m.ProvisioningStatus = t.Pools[i].ProvisioningStatus
			}
		}
	}
	return nil
}
