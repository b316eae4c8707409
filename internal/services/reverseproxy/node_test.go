package reverseproxy_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/objectstore"
	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// reporter writes into a proxy's container what a living node would: that it has read each document, and what it thinks of it.
type reporter struct {
	node   string
	refuse map[string]string // why a document is refused, by object

	mu   sync.Mutex
	seen map[string]string
}

// live lets the reporter report until the test ends or the returned function is called.
func (r *reporter) live(t *testing.T, c *acctest.Cloud, proxy string) (stop func()) {
	t.Helper()
	container, err := objectstore.Open(c.Cloud, proxy)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := r.report(ctx, container); err != nil && ctx.Err() == nil && t.Context().Err() == nil {
				t.Logf("node %s: %v", r.node, err) // the container is gone between two steps
			}
			select {
			case <-ctx.Done():
			case <-time.After(300 * time.Millisecond):
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (r *reporter) report(ctx context.Context, container *objectstore.Container) error {
	objects, _, err := container.List(ctx, "")
	if err != nil {
		return err
	}
	status := documents.Status{Node: r.node, Time: time.Now(), Documents: map[string]documents.DocumentStatus{}}
	seen := map[string]string{}
	for _, o := range objects {
		_, isSet := documents.RoutesSet(o.Name)
		_, isCertificate := documents.CertificateName(o.Name)
		if !isSet && !isCertificate && o.Name != documents.ConfigObject {
			continue
		}
		seen[o.Name] = o.ETag
		said := documents.DocumentStatus{Seen: o.ETag, Loaded: o.ETag}
		if why := r.refuse[o.Name]; why != "" {
			said = documents.DocumentStatus{Seen: o.ETag, Error: why}
		}
		status.Documents[o.Name] = said
	}
	content, err := status.Encode()
	if err != nil {
		return err
	}
	if _, err = container.Put(ctx, documents.StatusObject(r.node), content, "application/json", false); err != nil {
		return errors.Join(err, ctx.Err())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = seen
	return nil
}

// has tells which version of a document was reported last.
func (r *reporter) has(object string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.seen)[object]
}
