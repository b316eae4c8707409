package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

type thing struct {
	ID    string
	Value int64
}

// things is a collection served by functions instead of a network; writes go through the session's transport.
type things struct {
	collection Collection[thing]
	lists      atomic.Int64
	gets       atomic.Int64
	filters    sync.Map // list number -> ids

	mu      sync.Mutex
	value   int64
	hidden  map[string]bool // not shown by lists
	gone    map[string]bool
	listErr error
	during  func(ctx context.Context) // called while a list runs
}

func newThings(maxIDs int) *things {
	s := &things{hidden: map[string]bool{}, gone: map[string]bool{}}
	s.collection = Collection[thing]{
		Name:    "thing",
		Service: (*Cloud).Network,
		ID:      func(t thing) string { return t.ID },
		MaxIDs:  maxIDs,
		Get: func(_ context.Context, _ *gophercloud.ServiceClient, id string) (thing, error) {
			s.gets.Add(1)
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.gone[id] {
				return thing{}, answered(404, "")
			}
			return thing{id, s.value}, nil
		},
		List: func(ctx context.Context, _ *gophercloud.ServiceClient, ids []string) ([]thing, error) {
			s.filters.Store(s.lists.Add(1), ids)
			s.mu.Lock()
			value, during, err := s.value, s.during, s.listErr
			s.mu.Unlock()
			if during != nil {
				during(ctx)
			}
			if err != nil {
				return nil, err
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			var out []thing
			for i := range 100 {
				id := fmt.Sprint(i)
				if !s.hidden[id] && !s.gone[id] {
					out = append(out, thing{id, value})
				}
			}
			return out, nil
		},
	}
	return s
}

// together runs a test of things on a virtual clock, on which reads that begin at the same time are in one window however busy the
// machine is. The cloud is opened before: its network knows no such clock.
func (s *things) together(t *testing.T, test func(t *testing.T, cloud *Cloud)) {
	t.Helper()
	cloud := newFakeCloud(t).open(t)
	if _, err := cloud.Network(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { test(t, cloud) })
}

// readAll reads n things at once.
func (s *things) readAll(t *testing.T, cloud *Cloud, n int) []error {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			got, err := Get(t.Context(), cloud, s.collection, fmt.Sprint(i))
			if err == nil && got.ID != fmt.Sprint(i) {
				err = fmt.Errorf("got %q for %d", got.ID, i)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errs
}

func (s *things) expect(t *testing.T, lists, gets int64) {
	t.Helper()
	if s.lists.Load() != lists || s.gets.Load() != gets {
		t.Errorf("%d lists and %d direct reads, want %d and %d", s.lists.Load(), s.gets.Load(), lists, gets)
	}
}

func none(t *testing.T, errs []error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func TestOneReadIsDirect(t *testing.T) {
	s := newThings(10)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		none(t, s.readAll(t, cloud, 1))
		s.expect(t, 0, 1)
	})
}

func TestManyReadsAreOneList(t *testing.T) {
	s := newThings(0)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		none(t, s.readAll(t, cloud, 50))
		s.expect(t, 1, 0)
		none(t, s.readAll(t, cloud, 100)) // what the whole list showed serves later reads
		s.expect(t, 1, 0)
	})
}

func TestFewReadsAreFiltered(t *testing.T) {
	s := newThings(10)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		none(t, s.readAll(t, cloud, 3))
		s.expect(t, 1, 0)
		if ids, _ := s.filters.Load(int64(1)); strings.Join(ids.([]string), ",") != "0,1,2" { //nolint:forcetypeassert // stored above
			t.Errorf("filtered by %v", ids)
		}
		none(t, s.readAll(t, cloud, 3)) // who comes again is refreshing: no filter this time
		s.expect(t, 2, 0)
		if ids, _ := s.filters.Load(int64(2)); ids.([]string) != nil { //nolint:forcetypeassert // stored above
			t.Errorf("filtered by %v", ids)
		}
		none(t, s.readAll(t, cloud, 30))
		s.expect(t, 2, 0)
	})
}

func TestReadsOfTheSameObjectAreOne(t *testing.T) {
	s := newThings(0)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := Get(t.Context(), cloud, s.collection, "5"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		s.expect(t, 0, 1)
	})
}

func TestMissingInListIsAskedFor(t *testing.T) {
	s := newThings(0)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		s.hidden["1"] = true // lists may be late
		s.gone["2"] = true
		errs := s.readAll(t, cloud, 4)
		if errs[0] != nil || errs[1] != nil || errs[3] != nil || !NotFound(errs[2]) {
			t.Errorf("got %v", errs)
		}
		s.expect(t, 1, 2)
	})
}

func TestListRefusedFallsBack(t *testing.T) {
	s := newThings(0)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		s.listErr = answered(403, "")
		none(t, s.readAll(t, cloud, 4))
		s.expect(t, 1, 4)
	})
}

func TestListErrorIsShared(t *testing.T) {
	s := newThings(0)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		s.listErr = answered(500, `{"NeutronError": "down"}`)
		for _, err := range s.readAll(t, cloud, 4) {
			if fault, ok := FaultOf(err); !ok || fault.Status != 500 {
				t.Errorf("got %v", err)
			}
		}
		s.expect(t, 1, 0)
		s.listErr = nil
		none(t, s.readAll(t, cloud, 4)) // and nothing is kept of it
	})
}

func TestCancelledReaderLeavesTheOthersAlone(t *testing.T) {
	s := newThings(0)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		ctx, cancel := context.WithCancel(t.Context())
		listing, release := make(chan struct{}), make(chan struct{})
		s.during = func(context.Context) { close(listing); <-release }
		left := make(chan error, 1)
		go func() {
			_, err := Get(ctx, cloud, s.collection, "0")
			left <- err
		}()
		stayed := make(chan error, 2)
		for _, id := range []string{"1", "2"} {
			go func() {
				_, err := Get(t.Context(), cloud, s.collection, id)
				stayed <- err
			}()
		}
		<-listing
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(release)
		for range 2 {
			if err := <-stayed; err != nil {
				t.Error(err)
			}
		}
		s.expect(t, 1, 0)
	})
}

func TestListEndsWhenAllReadersLeft(t *testing.T) {
	s := newThings(0)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		s.during = func(ctx context.Context) { cancel(); <-ctx.Done(); close(ended) }
		var wg sync.WaitGroup
		for _, id := range []string{"1", "2"} {
			wg.Go(func() {
				if _, err := Get(ctx, cloud, s.collection, id); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Error("the list goes on for nobody")
		}
	})
}

func write(t *testing.T, cloud *Cloud) {
	t.Helper()
	client, err := cloud.Network()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Post(t.Context(), client.ServiceURL("things"), map[string]int{}, nil, nil); err != nil {
		t.Fatal(err)
	}
}

func TestWriteEndsCachedAnswers(t *testing.T) {
	f, s := newFakeCloud(t), newThings(0)
	f.mux.HandleFunc("POST /net/v2.0/things", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		s.value++
		s.mu.Unlock()
		respond(w, http.StatusCreated, `{}`)
	})
	cloud := f.open(t)
	none(t, s.readAll(t, cloud, 5))
	write(t, cloud)
	if got, err := Get(t.Context(), cloud, s.collection, "3"); err != nil || got.Value != 1 {
		t.Errorf("got %v %v after the write", got, err)
	}
}

// A list that began before a write ended never answers a read that began after it.
func TestListOvertakenByWrite(t *testing.T) {
	f, s := newFakeCloud(t), newThings(0)
	f.mux.HandleFunc("POST /net/v2.0/things", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		s.value++
		s.mu.Unlock()
		respond(w, http.StatusCreated, `{}`)
	})
	cloud := f.open(t)
	s.during = func(context.Context) {
		s.mu.Lock()
		s.during = nil
		s.mu.Unlock()
		write(t, cloud) // after the list took its snapshot
	}
	none(t, s.readAll(t, cloud, 5))
	if got, err := Get(t.Context(), cloud, s.collection, "3"); err != nil || got.Value != 1 {
		t.Errorf("got %v %v after the write", got, err)
	}
}

func TestPollIsNotAnsweredFromBefore(t *testing.T) {
	s := newThings(0)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		none(t, s.readAll(t, cloud, 5))
		s.mu.Lock()
		s.value = 7
		s.mu.Unlock()
		if got, err := Get(t.Context(), cloud, s.collection, "3"); err != nil || got.Value != 0 {
			t.Errorf("got %v %v: a refresh may use the list", got, err)
		}
		time.Sleep(time.Nanosecond) // else it is still the moment at which the list began
		if got, err := Get(notBefore(t.Context(), time.Now()), cloud, s.collection, "3"); err != nil || got.Value != 7 {
			t.Errorf("got %v %v: a poll may not", got, err)
		}
	})
}

func TestRegionsAndKindsDoNotMix(t *testing.T) {
	s := newThings(0)
	s.together(t, func(t *testing.T, cloud *Cloud) {
		other, err := cloud.In("two")
		if err != nil {
			t.Fatal(err)
		}
		none(t, s.readAll(t, cloud, 5))
		none(t, s.readAll(t, other, 5))
		s.expect(t, 2, 0)
		strings := Collection[string]{ // same name, other type
			Name: "thing", Service: (*Cloud).Network, ID: func(s string) string { return s },
			Get: func(context.Context, *gophercloud.ServiceClient, string) (string, error) { return "direct", nil },
		}
		if got, err := Get(t.Context(), cloud, strings, "1"); err != nil || got != "direct" {
			t.Errorf("got %q %v", got, err)
		}
	})
}

func TestManyReadersAndWriters(t *testing.T) {
	f, s := newFakeCloud(t), newThings(4)
	f.mux.HandleFunc("POST /net/v2.0/things", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		s.value++
		s.mu.Unlock()
		respond(w, http.StatusCreated, `{}`)
	})
	cloud := f.open(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for j := range 10 {
				s.mu.Lock()
				before := s.value
				s.mu.Unlock()
				if i%5 == 0 {
					write(t, cloud)
				}
				got, err := Get(t.Context(), cloud, s.collection, fmt.Sprint((i+j)%100))
				if err != nil || (i%5 == 0 && got.Value <= before) {
					t.Errorf("got %v %v, but %d was there before the write that the read came after", got, err, before)
				}
			}
		})
	}
	wg.Wait()
}
