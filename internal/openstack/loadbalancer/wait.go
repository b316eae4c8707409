package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// errForgotten says that a load balancer is usable but some of its children never will be.
var errForgotten = errors.New("the load balancer is ACTIVE, but the cloud has stopped working on what is below it")

// wait reads the tree when the load balancer and everything below it is usable, except what was not
// before. What known has need not be read again.
func wait(ctx context.Context, cloud *openstack.Cloud, id, name string, known *Tree, except []string) (*Tree, error) {
	var pending []string
	var since time.Time
	return openstack.Wait(ctx, openstack.Waiting[*Tree]{ //nolint:wrapcheck // it says what was waited for
		What: fmt.Sprintf("load balancer %q", name),
		Fetch: func(ctx context.Context) (*Tree, error) {
			lb, err := openstack.Get(ctx, cloud, collection(cloud, loadBalancers, func(t Tree) string { return t.ID }), id)
			if err != nil || lb.ProvisioningStatus != statusActive {
				return &lb, err //nolint:wrapcheck // the wait says what was attempted
			}
			tree, err := readBelow(ctx, cloud, lb, known)
			if err != nil {
				return nil, err
			}
			now := slices.DeleteFunc(tree.pending(), func(child string) bool { return slices.Contains(except, child) })
			if since.IsZero() || !slices.Equal(now, pending) {
				pending, since = now, time.Now()
			}
			if len(pending) > 0 && time.Since(since) > stuckAfter {
				return nil, fmt.Errorf("%w: %s", errForgotten, strings.Join(pending, ", "))
			}
			return tree, nil
		},
		State: func(t *Tree) string {
			if t.ProvisioningStatus == statusActive && len(pending) > 0 {
				return "ACTIVE with children PENDING"
			}
			return t.ProvisioningStatus
		},
		Fault:  func(t *Tree) string { return strings.Join(t.broken(), ", ") },
		Target: []string{statusActive}, Failure: []string{statusError}, MaxPoll: pollAtMost,
	})
}

// pending names the children that are not settled yet.
func (t *Tree) pending() []string {
	return t.children(func(status string) bool { return strings.HasPrefix(status, "PENDING_") })
}

// broken names the children in the state ERROR.
func (t *Tree) broken() []string {
	return t.children(func(status string) bool { return status == statusError })
}

// children names those whose provisioning status is meant. Rules are settled with their policy.
func (t *Tree) children(meant func(status string) bool) []string {
	var found []string
	note := func(what string, o object) {
		if meant(o.ProvisioningStatus) {
			found = append(found, fmt.Sprintf("%s %q is %s", what, o.Name, o.ProvisioningStatus))
		}
	}
	for _, l := range t.Listeners {
		note("listener", l.object)
		for _, p := range l.Policies {
			note("L7 policy", p.object)
		}
	}
	for _, p := range t.Pools {
		note("pool", p.object)
		for _, m := range p.Members {
			note("member", m.object)
		}
		if p.Monitor != nil {
			note("health monitor", p.Monitor.object)
		}
	}
	slices.Sort(found)
	return found
}

// waitUsable waits until the load balancer can be changed again.
func waitUsable(ctx context.Context, cloud *openstack.Cloud, tree *Tree) error {
	_, err := openstack.Wait(ctx, openstack.Waiting[Tree]{
		What: fmt.Sprintf("load balancer %q", tree.Name),
		Fetch: func(ctx context.Context) (Tree, error) {
			return openstack.Get(ctx, cloud, collection(cloud, loadBalancers, func(t Tree) string { return t.ID }), tree.ID)
		},
		State:  func(t Tree) string { return t.ProvisioningStatus },
		Target: []string{statusActive}, Failure: []string{statusError}, MaxPoll: pollAtMost,
	})
	return err //nolint:wrapcheck // it says what was waited for
}
