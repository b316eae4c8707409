package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

const (
	// childByChild is learned about clouds that cannot make a whole tree at once.
	childByChild = "load balancers are made child by child"
	// stuckAfter is how long the children of a usable load balancer may stay as they are before they
	// are taken for forgotten, as Octavia 11.0.0 does.
	stuckAfter = 20 * time.Second
	// patience is how often a change may be refused because something is busy although the load balancer
	// is not: others may be faster each time, or the cloud has forgotten what it was doing.
	patience = 100
	// pollAtMost bounds the interval between looks at a load balancer.
	pollAtMost = 2 * time.Second
)

// The states that matter. While a load balancer is PENDING_*, nothing below it can be changed.
const (
	statusActive = "ACTIVE"
	statusError  = "ERROR"
)

// Create asks for the load balancer, with everything below it when the cloud can do that, and returns
// at once: the answer has its id, its VIP and the VIP's port. [Settle] does the rest.
func Create(ctx context.Context, cloud *openstack.Cloud, spec Spec) (*Tree, error) {
	client, err := cloud.LoadBalancer()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	body := populated(spec)
	if cloud.Learned(childByChild) {
		body = bare(spec)
	}
	tree, err := attempt(ctx, cloud, client, spec, body)
	if cannotMakeTrees(err) && (len(spec.Listeners) > 0 || len(spec.Pools) > 0) {
		refusal := err
		if tree, err = attempt(ctx, cloud, client, spec, bare(spec)); err != nil {
			// Not the tree was the cause, so the first answer tells more.
			return nil, fmt.Errorf("create load balancer %q: %w", spec.Name, refusal)
		}
		cloud.Learn(childByChild)
	}
	if err != nil {
		return nil, fmt.Errorf("create load balancer %q: %w", spec.Name, err)
	}
	tree.recognise(spec)
	return tree, nil
}

// attempt sends the request, finds what it made when the answer is lost, and clears away what a refused one has left.
func attempt(ctx context.Context, cloud *openstack.Cloud, client *gophercloud.ServiceClient, spec Spec, body fields) (*Tree, error) {
	begin := time.Now()
	tree, err := create(ctx, client, body)
	if openstack.Lost(err) {
		return findLost(ctx, cloud, spec.Name, begin, err)
	}
	if err != nil {
		if left := withdraw(ctx, cloud, spec, begin, err); left != "" {
			err = fmt.Errorf("%s: %w", left, err)
		}
	}
	return tree, err
}

// findLost returns the load balancer that a request made of which the answer was lost.
func findLost(ctx context.Context, cloud *openstack.Cloud, name string, begin time.Time, lost error) (*Tree, error) {
	client, err := cloud.LoadBalancer()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	id, err := openstack.FindLost(ctx, lost, begin, func(ctx context.Context) ([]openstack.Candidate, error) {
		var answer struct {
			LoadBalancers []struct {
				ID        string `json:"id"`
				Name      string `json:"name"`
				CreatedAt string `json:"created_at"`
			} `json:"loadbalancers"`
		}
		query := url.Values{"name": {name}, "project_id": {cloud.ProjectID()}}
		err := request(ctx, client, http.MethodGet, client.ServiceURL("lbaas", "loadbalancers")+"?"+query.Encode(), nil, &answer)
		var candidates []openstack.Candidate
		for _, lb := range answer.LoadBalancers {
			if lb.Name != name { // to Octavia's database names are equal that differ in case
				continue
			}
			// In UTC without saying so; what cannot be read is as old as time.
			created, _ := time.Parse("2006-01-02T15:04:05", lb.CreatedAt)
			candidates = append(candidates, openstack.Candidate{ID: lb.ID, Created: created})
		}
		return candidates, err
	})
	if err != nil {
		return nil, err
	}
	return read(ctx, cloud, id)
}

func create(ctx context.Context, client *gophercloud.ServiceClient, body fields) (*Tree, error) {
	var answer struct {
		LoadBalancer *Tree `json:"loadbalancer"`
	}
	err := request(ctx, client, http.MethodPost, client.ServiceURL("lbaas", "loadbalancers"), fields{"loadbalancer": body}, &answer)
	if err == nil && (answer.LoadBalancer == nil || answer.LoadBalancer.ID == "") {
		err = errors.New("the answer has no load balancer in it")
	}
	return answer.LoadBalancer, err
}

var unsupported = regexp.MustCompile(`(?i)not supported|unsupported|not implemented|unknown attribute`)

// cannotMakeTrees tells whether a refusal may be meant for the tree rather than for what is in it.
func cannotMakeTrees(err error) bool {
	fault, ok := openstack.FaultOf(err)
	if !ok {
		return false
	}
	switch fault.Status {
	case http.StatusInternalServerError, http.StatusNotImplemented, http.StatusRequestEntityTooLarge:
		return !fault.OverQuota()
	case http.StatusBadRequest:
		return unsupported.MatchString(fault.Message)
	}
	return false
}

// Settle waits until a load balancer that [Create] made, and everything below it, is as spec says. It
// builds what the cloud could not make at once. Where the cloud has forgotten the children, the load
// balancer is removed and built again: moved then tells the new id before anything is waited for.
func Settle(ctx context.Context, cloud *openstack.Cloud, created *Tree, spec Spec, moved func(id string)) (*Tree, error) {
	unlock, err := lock(ctx, cloud, created.ID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	tree, err := wait(ctx, cloud, created.ID, created.Name, created, nil)
	if errors.Is(err, errForgotten) && !cloud.Learned(childByChild) {
		cloud.Learn(childByChild)
		if err := remove(ctx, cloud, created.ID, created.Name); err != nil {
			return nil, err
		}
		again, err := Create(ctx, cloud, spec)
		if err != nil {
			return nil, err
		}
		moved(again.ID)
		return Settle(ctx, cloud, again, spec, moved)
	}
	if err != nil {
		return nil, err
	}
	return apply(ctx, cloud, tree, spec)
}

// Read fetches a whole load balancer. Its objects are called as names calls them, or by their names.
func Read(ctx context.Context, cloud *openstack.Cloud, id string, names Spec) (*Tree, error) {
	tree, err := read(ctx, cloud, id)
	if err != nil {
		return nil, err
	}
	tree.recognise(names)
	return tree, nil
}

// Apply changes what differs from spec, and returns the tree when all of it is usable again.
func Apply(ctx context.Context, cloud *openstack.Cloud, id string, spec Spec) (*Tree, error) {
	unlock, err := lock(ctx, cloud, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	tree, err := read(ctx, cloud, id)
	if err == nil && tree.ProvisioningStatus != statusActive {
		if err = waitUsable(ctx, cloud, tree); err == nil {
			tree, err = read(ctx, cloud, id)
		}
	}
	if err != nil {
		return nil, err
	}
	return apply(ctx, cloud, tree, spec)
}

// Delete removes a load balancer with everything below it and waits until it is gone.
func Delete(ctx context.Context, cloud *openstack.Cloud, id, name string) error {
	unlock, err := lock(ctx, cloud, id)
	if err != nil {
		return err
	}
	defer unlock()
	return remove(ctx, cloud, id, name)
}

func lock(ctx context.Context, cloud *openstack.Cloud, id string) (func(), error) {
	return cloud.Lock(ctx, "load balancer "+id) //nolint:wrapcheck // it says what was waited for
}

func remove(ctx context.Context, cloud *openstack.Cloud, id, name string) error {
	client, err := cloud.LoadBalancer()
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	for {
		err := request(ctx, client, http.MethodDelete, client.ServiceURL("lbaas", "loadbalancers", id)+"?cascade=true", nil, nil)
		switch fault, _ := openstack.FaultOf(err); {
		case openstack.NotFound(err):
			return nil
		case fault.Immutable():
			// Someone is changing or deleting it already.
		case err != nil:
			return fmt.Errorf("delete load balancer %q: %w", name, err)
		}
		deleting := err == nil
		var last Tree
		err = openstack.WaitGone(ctx, openstack.Waiting[Tree]{
			What: fmt.Sprintf("load balancer %q", name),
			Fetch: func(ctx context.Context) (Tree, error) {
				last, err = openstack.Get(ctx, cloud, collection(cloud, loadBalancers, func(t Tree) string { return t.ID }), id)
				return last, err
			},
			State: func(t Tree) string { return t.ProvisioningStatus },
			// After a refusal, whoever was busy with it is done when it is usable or broken.
			Target: settled(deleting), Failure: failedDelete(deleting), MaxPoll: pollAtMost,
		})
		if err != nil || deleting || last.ProvisioningStatus == "" || last.ProvisioningStatus == "DELETED" {
			return err //nolint:wrapcheck // it says what was waited for
		}
	}
}

func settled(deleting bool) []string {
	if deleting {
		return []string{"DELETED"}
	}
	return []string{"DELETED", statusActive, statusError}
}

func failedDelete(deleting bool) []string {
	if deleting {
		return []string{statusError}
	}
	return nil
}
