package loadbalancer

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// apply carries out the difference between a settled tree and spec. The caller holds the lock.
func apply(ctx context.Context, cloud *openstack.Cloud, tree *Tree, spec Spec) (*Tree, error) {
	p := diff(tree, spec)
	if len(p.operations) == 0 {
		return tree, nil
	}
	client, err := cloud.LoadBalancer()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	for i, op := range p.operations {
		if i > 0 {
			if err := waitUsable(ctx, cloud, tree); err != nil {
				return nil, fmt.Errorf("%s: %w", op.about, err)
			}
		}
		id, err := op.do(ctx, cloud, client, tree, p.ids)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op.about, err)
		}
		if op.makes != "" {
			p.ids[op.makes] = id
		}
	}
	tree, err = wait(ctx, cloud, tree.ID, spec.Name, tree.without(p), tree.pending())
	if err != nil {
		return nil, err
	}
	tree.recognise(spec)
	return tree, nil
}

// without forgets the members and rules that the plan's operations touch.
func (t *Tree) without(p plan) *Tree {
	touched := func(prefix string) bool {
		return slices.ContainsFunc(p.operations, func(op operation) bool { return strings.HasPrefix(op.address(p.ids), prefix) })
	}
	rest := &Tree{}
	for _, pool := range t.Pools {
		if !touched("pools/" + pool.ID + "/members") {
			rest.Pools = append(rest.Pools, pool)
		}
	}
	for _, l := range t.Listeners {
		l.Policies = slices.DeleteFunc(slices.Clone(l.Policies), func(p policy) bool { return touched("l7policies/" + p.ID + "/rules") })
		rest.Listeners = append(rest.Listeners, l)
	}
	return rest
}

// do sends the request as soon as nobody else is changing the load balancer, and returns the id of
// what it made.
func (op operation) do(ctx context.Context, cloud *openstack.Cloud, client *gophercloud.ServiceClient, tree *Tree, ids map[reference]string) (string, error) {
	var body any
	if op.body != nil {
		body = fields{op.noun: resolve(op.body, ids)}
	}
	address := client.ServiceURL("lbaas") + "/" + op.address(ids)
	for refusals := 0; ; refusals++ {
		// An answer without a body is no answer for the decoder; only what makes something must answer.
		var answer map[string]struct {
			ID string `json:"id"`
		}
		var into any
		if op.makes != "" {
			into = &answer
		}
		err := request(ctx, client, op.method, address, body, into)
		fault, _ := openstack.FaultOf(err)
		if err == nil || op.method == http.MethodDelete && openstack.NotFound(err) {
			return answer[op.noun].ID, nil
		}
		if !fault.Immutable() || refusals == patience {
			return "", err
		}
		if err := waitUsable(ctx, cloud, tree); err != nil {
			return "", err
		}
	}
}

// address is the path with the parent's id in it.
func (op operation) address(ids map[reference]string) string {
	return strings.Replace(op.path, "{}", ids[op.parent], 1)
}

// resolve puts ids in the place of references.
func resolve(body any, ids map[reference]string) any {
	switch body := body.(type) {
	case reference:
		return ids[body]
	case fields:
		out := maps.Clone(body)
		for k, v := range out {
			out[k] = resolve(v, ids)
		}
		return out
	}
	return body
}
