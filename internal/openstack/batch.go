package openstack

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

const (
	// batchWindow is how long a read waits for company.
	batchWindow = 5 * time.Millisecond
	// batchFresh is how long a list's answers serve later reads, unless something was written.
	batchFresh = 3 * time.Second
	// listTimeout bounds one list call, which many reads may be waiting for.
	listTimeout = 5 * time.Minute
)

// Collection says how the objects of one kind are read, alone and many at once.
type Collection[T any] struct {
	Name    string // unique among collections of T: "network"
	Service func(*Cloud) (*gophercloud.ServiceClient, error)
	ID      func(T) string
	Get     func(ctx context.Context, client *gophercloud.ServiceClient, id string) (T, error)
	// List returns all objects of the project, or only those with the ids when it is given any. It reads every page.
	// Without it every read is direct.
	List func(ctx context.Context, client *gophercloud.ServiceClient, ids []string) ([]T, error)
	// MaxIDs is how many ids List can filter by; 0 when the API has no such filter.
	MaxIDs int
}

type batchKey[T any] struct{ name, region string }

// batch collects the reads of one collection in one region.
type batch[T any] struct {
	mu      sync.Mutex
	waiting []*read[T] // reads of the open window
	list    *list[T]   // the newest whole list, for later reads
	listed  time.Time  // when any list, filtered or not, was begun last
}

// list is what one whole list call answered.
type list[T any] struct {
	begun      time.Time
	generation int64 // of writes, when the call began
	objects    map[string]T
}

// read is one caller of Get in a window.
type read[T any] struct {
	ctx    context.Context
	id     string
	alone  bool          // set before done is closed: ask for the object directly
	object T             // else the answer
	err    error         // or why there is none
	done   chan struct{} // closed when the read was answered
}

// Get reads one object. Reads of a collection that run at the same time are answered by one list call. An object that
// a list does not show is asked for directly, so a NotFound is always the API's own. No answer is older than the
// last write of this session.
func Get[T any](ctx context.Context, cloud *Cloud, collection Collection[T], id string) (T, error) {
	var none T
	client, err := collection.Service(cloud)
	if err != nil {
		return none, err
	}
	b := batchOf(cloud, collection)
	r := &read[T]{ctx: ctx, id: id, done: make(chan struct{})}

	b.mu.Lock()
	if object, ok := b.cached(ctx, cloud, id); ok {
		b.mu.Unlock()
		return object, nil
	}
	b.waiting = append(b.waiting, r)
	if len(b.waiting) == 1 {
		time.AfterFunc(batchWindow, func() { b.answer(cloud, client, collection) })
	}
	b.mu.Unlock()

	select {
	case <-r.done:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	if r.alone {
		return collection.Get(ctx, client, id)
	}
	return r.object, r.err
}

// All returns every object of a collection, with one list call. Reads that follow soon are answered by it, too.
func All[T any](ctx context.Context, cloud *Cloud, collection Collection[T]) ([]T, error) {
	client, err := collection.Service(cloud)
	if err != nil {
		return nil, err
	}
	objects, _, err := batchOf(cloud, collection).listing(ctx, cloud, client, collection, nil)
	return objects, err
}

func batchOf[T any](cloud *Cloud, collection Collection[T]) *batch[T] {
	stored, _ := cloud.session.reads.LoadOrStore(batchKey[T]{collection.Name, cloud.region}, &batch[T]{})
	b, ok := stored.(*batch[T])
	if !ok { // the key's type fixes the value's
		return &batch[T]{}
	}
	return b
}

// cached looks in the newest list, which must be newer than every write and than the context demands.
func (b *batch[T]) cached(ctx context.Context, cloud *Cloud, id string) (T, bool) {
	var none T
	if b.list == nil || time.Since(b.list.begun) > batchFresh || b.list.begun.Before(earliest(ctx)) ||
		b.list.generation != cloud.session.transport.generation.Load() {
		return none, false
	}
	object, ok := b.list.objects[id]
	return object, ok
}

// answer closes the window and serves its reads.
func (b *batch[T]) answer(cloud *Cloud, client *gophercloud.ServiceClient, collection Collection[T]) {
	b.mu.Lock()
	reads := b.waiting
	b.waiting = nil
	// Whoever reads a second time soon is refreshing many: the whole list then serves the rest, too.
	again := time.Since(b.listed) < batchFresh
	b.mu.Unlock()

	reads = slices.DeleteFunc(reads, func(r *read[T]) bool { return r.ctx.Err() != nil })
	ids := make([]string, 0, len(reads))
	for _, r := range reads {
		ids = append(ids, r.id)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	switch {
	case len(reads) == 0:
		return
	case len(reads) == 1 && !again, collection.List == nil && len(ids) > 1:
		for _, r := range reads {
			r.finish(true)
		}
		return
	}
	ctx, cancel := whileAnyWaits(reads)
	defer cancel()
	if len(ids) == 1 && (!again || collection.List == nil) {
		object, err := collection.Get(ctx, client, ids[0])
		for _, r := range reads {
			r.object, r.err = object, err
			r.finish(false)
		}
		return
	}
	filter := ids
	if again || len(ids) > collection.MaxIDs {
		filter = nil
	}

	_, answer, err := b.listing(ctx, cloud, client, collection, filter)
	for _, r := range reads {
		object, ok := answer.objects[r.id]
		switch {
		case err == nil && ok:
			r.object = object
			r.finish(false)
		case err == nil, refused(err):
			r.finish(true) // the direct answer is the one to believe
		default:
			r.err = err
			r.finish(false)
		}
	}
}

// listing asks for the objects with these ids, or for all of them; the answer then serves later reads.
func (b *batch[T]) listing(ctx context.Context, cloud *Cloud, client *gophercloud.ServiceClient, collection Collection[T], ids []string) ([]T, *list[T], error) {
	answer := &list[T]{begun: time.Now(), generation: cloud.session.transport.generation.Load(), objects: map[string]T{}}
	b.mu.Lock()
	b.listed = answer.begun
	b.mu.Unlock()
	objects, err := collection.List(ctx, client, ids)
	for _, object := range objects {
		answer.objects[collection.ID(object)] = object
	}
	if err == nil && ids == nil {
		b.mu.Lock()
		b.list = answer
		b.mu.Unlock()
	}
	return objects, answer, err
}

func (r *read[T]) finish(alone bool) {
	r.alone = alone
	close(r.done)
}

// refused tells whether the list call as such was turned down (policy, unknown filter, long URL) rather than the
// service being out of reach.
func refused(err error) bool {
	fault, ok := FaultOf(err)
	return ok && fault.Status >= http.StatusBadRequest && fault.Status < http.StatusInternalServerError &&
		fault.Status != http.StatusUnauthorized && fault.Status != http.StatusTooManyRequests
}

// whileAnyWaits is a context that keeps the first read's values (logging) and ends when no read waits any more.
func whileAnyWaits[T any](reads []*read[T]) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(reads[0].ctx), listTimeout)
	go func() {
		for _, r := range reads {
			select {
			case <-r.ctx.Done():
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	return ctx, cancel
}
