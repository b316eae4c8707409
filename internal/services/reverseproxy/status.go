package reverseproxy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// audience are the nodes of a proxy that are to serve a version of a document.
type audience struct {
	container *objectstore.Container
	proxy     string
	document  string   // name of the object
	etag      string   // of the version; "" when the document is to be gone
	nodes     []string // who must serve it; nil is every node that lives

	read map[string]reported // by node, what was read last
}

// reported is a status as it was read.
type reported struct {
	etag   string
	status documents.Status
}

// verdict is what the nodes say of a version.
type verdict struct {
	state string
	words string // why it was refused, or who is awaited
}

const (
	served  = "served"
	refused = "refused"
	pending = "not served yet"
	nobody  = "without a living node"

	// statusPoll is how often nodes are looked at: they poll the container themselves every two seconds.
	statusPoll = 2 * time.Second
)

// await returns when every node serves the version. That nodes refuse it is an error in their words.
func (a *audience) await(ctx context.Context) error {
	a.read = map[string]reported{}
	begin := time.Now()
	last := verdict{}
	_, err := openstack.Wait(ctx, openstack.Waiting[verdict]{
		What: fmt.Sprintf("%s of the reverse proxy %s", a.document, a.proxy),
		Fetch: func(ctx context.Context) (v verdict, err error) {
			v, err = a.ask(ctx)
			if v.state == nobody && time.Since(begin) < documents.StatusLife {
				v.state = pending
			}
			last = v
			return v, err
		},
		State:   func(v verdict) string { return v.state },
		Target:  []string{served},
		Failure: []string{refused, nobody},
		Fault:   func(v verdict) string { return v.words },
		MaxPoll: statusPoll,
	})
	if err != nil && last.state == pending && last.words != "" {
		return fmt.Errorf("%w (%s)", err, last.words)
	}
	return err
}

// ask reads what the nodes say now. Only what has changed is read again.
func (a *audience) ask(ctx context.Context) (verdict, error) {
	living, err := a.living(ctx)
	if err != nil {
		return verdict{}, err
	}
	asked := a.nodes
	if asked == nil {
		asked = slices.Sorted(maps.Keys(living))
	}
	if len(asked) == 0 {
		return verdict{nobody, "no node of the proxy has reported lately; look at their consoles, or set wait_for_nodes = false"}, nil
	}
	var waiting, no []string
	for _, node := range asked {
		status, ok := living[node]
		if !ok {
			waiting = append(waiting, "no word from "+node)
			continue
		}
		said := status.Documents[a.document]
		switch {
		case said.Seen != a.etag:
			waiting = append(waiting, node+" has not read it yet")
		case said.Error != "":
			no = append(no, fmt.Sprintf("%s says: %s", node, said.Error))
		case said.Loaded != a.etag:
			waiting = append(waiting, node+" has read it and does not serve it yet")
		}
	}
	switch {
	case len(no) > 0:
		return verdict{refused, "the nodes keep what they had. " + strings.Join(no, "; ")}, nil
	case len(waiting) > 0:
		return verdict{pending, strings.Join(waiting, "; ")}, nil
	}
	return verdict{state: served}, nil
}

// living are the nodes that have reported lately, by Swift's clock.
func (a *audience) living(ctx context.Context) (map[string]documents.Status, error) {
	objects, now, err := a.container.List(ctx, documents.StatusPrefix)
	if err != nil {
		return nil, err
	}
	living := map[string]documents.Status{}
	for _, o := range objects {
		node, ok := documents.StatusNode(o.Name)
		if !ok || !documents.Living(o.Written, now) {
			continue
		}
		if a.read[node].etag != o.ETag {
			content, object, err := a.container.Get(ctx, o.Name, "")
			if openstack.NotFound(err) {
				continue // it has just said goodbye
			}
			if err != nil {
				return nil, err
			}
			status, err := documents.DecodeStatus(content)
			if err != nil {
				return nil, fmt.Errorf("read what node %s reports: %w", node, err)
			}
			a.read[node] = reported{object.ETag, status}
		}
		if status := a.read[node].status; !status.Draining {
			living[node] = status
		}
	}
	return living, nil
}
