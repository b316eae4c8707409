package openstack

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func states(sequence ...string) Waiting[string] {
	return Waiting[string]{
		What: "server \"a\"",
		Fetch: func(context.Context) (string, error) {
			state := sequence[0]
			if len(sequence) > 1 {
				sequence = sequence[1:]
			}
			if state == "404" {
				return "", answered(404, "")
			}
			return state, nil
		},
		State:   func(s string) string { return s },
		Target:  []string{"ACTIVE"},
		Failure: []string{"ERROR"},
		Fault:   func(string) string { return "No valid host was found." },
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		got, err := Wait(t.Context(), states("BUILD", "BUILD", "ACTIVE"))
		if err != nil || got != "ACTIVE" {
			t.Errorf("got %q, %v", got, err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("took %s for three polls", took)
		}

		_, err = Wait(t.Context(), states("BUILD", "ERROR"))
		var failed *FailedError
		if !errors.As(err, &failed) || failed.State != "ERROR" || !strings.Contains(err.Error(), `server "a" reached the state ERROR: No valid host was found.`) {
			t.Errorf("got %v", err)
		}

		// The reason comes after the state, or never.
		late := states("BUILD", "ERROR")
		asked := 0
		late.Fault = func(string) string {
			if asked++; asked < 3 {
				return ""
			}
			return "It broke."
		}
		if _, err = Wait(t.Context(), late); !errors.As(err, &failed) || failed.Fault != "It broke." {
			t.Errorf("got %v", err)
		}
		late.Fault = func(string) string { return "" }
		begin = time.Now()
		if _, err = Wait(t.Context(), late); !errors.As(err, &failed) || failed.Fault != "" || time.Since(begin) > 2*reasonWithin {
			t.Errorf("got %v after %s", err, time.Since(begin))
		}

		if _, err = Wait(t.Context(), states("BUILD", "404")); !NotFound(err) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWaitGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if err := WaitGone(t.Context(), states("DELETING", "404")); err != nil {
			t.Error(err)
		}
		w := states("PENDING_DELETE", "DELETED")
		w.Target = []string{"DELETED"}
		if err := WaitGone(t.Context(), w); err != nil {
			t.Error(err)
		}
		if err := WaitGone(t.Context(), states("DELETING", "ERROR")); err == nil || !strings.Contains(err.Error(), "to be gone") {
			t.Errorf("got %v", err)
		}
	})
}

func TestWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		polls := 0
		w := states("BUILD")
		fetch := w.Fetch
		w.Fetch = func(ctx context.Context) (string, error) { polls++; return fetch(ctx) }
		_, err := Wait(ctx, w)
		if !errors.Is(err, context.DeadlineExceeded) ||
			!strings.Contains(err.Error(), `timed out after 1m0s waiting for server "a" to become ACTIVE; its last state was BUILD`) {
			t.Errorf("got %v", err)
		}
		if polls < 15 || polls > 40 {
			t.Errorf("%d polls in a minute", polls)
		}

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		begin := time.Now()
		if _, err = Wait(ctx, states("BUILD")); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took != 10*time.Millisecond {
			t.Errorf("ended after %s", took)
		}
	})
}

// Whoever waits at the same time looks at the same time, so that the reads fall into one batch.
func TestPollsAreAligned(t *testing.T) {
	zero := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, since := range []time.Duration{0, 100 * time.Millisecond, 700 * time.Millisecond, 3 * time.Second, 20 * time.Second, time.Hour} {
		for offset := time.Duration(0); offset < 4*time.Second; offset += 37 * time.Millisecond {
			now := zero.Add(offset)
			next := nextPoll(now.Add(-since), now, slowestPoll)
			if wait := next.Sub(now); wait < firstPoll/2 || wait > slowestPoll*3/2 || wait > max(since, firstPoll)*3/2 {
				t.Fatalf("after %s the next poll comes in %s", since, wait)
			}
			if !next.Truncate(firstPoll).Equal(next) {
				t.Fatalf("poll at %s", next)
			}
			if since >= time.Hour && !next.Truncate(slowestPoll).Equal(next) {
				t.Fatalf("slow poll at %s", next)
			}
		}
	}
}

func TestWhenRouted(t *testing.T) {
	unrouted := answered(404, `{"NeutronError": {"type": "ExternalGatewayForFloatingIPNotFound", "message": "not reachable", "detail": ""}}`)
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		if err := WhenRouted(t.Context(), func(context.Context) error {
			if calls++; calls < 4 {
				return unrouted
			}
			return nil
		}); err != nil || calls != 4 {
			t.Errorf("%d calls, %v", calls, err)
		}

		calls = 0
		begin := time.Now()
		err := WhenRouted(t.Context(), func(context.Context) error { calls++; return unrouted })
		if fault, ok := FaultOf(err); !ok || fault.Message != "not reachable" || calls < 10 || time.Since(begin) < routedWithin {
			t.Errorf("%d calls, %v", calls, err)
		}

		calls = 0
		missing := answered(404, `{"NeutronError": {"type": "PortNotFound", "message": "no port", "detail": ""}}`)
		if err := WhenRouted(t.Context(), func(context.Context) error { calls++; return missing }); !NotFound(err) || calls != 1 {
			t.Errorf("%d calls, %v", calls, err)
		}
	})
}

func TestUnused(t *testing.T) {
	used := errors.New("used")
	inUse := func(err error) bool { return errors.Is(err, used) }
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		remove := func(context.Context) error {
			if calls++; calls < 4 {
				return used
			}
			return nil
		}
		if err := Unused(t.Context(), remove, inUse); err != nil || calls != 4 {
			t.Errorf("%d calls, %v", calls, err)
		}

		begin := time.Now()
		if err := Unused(t.Context(), func(context.Context) error { return used }, inUse); !errors.Is(err, used) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took < patience || took > patience+2*slowestPoll {
			t.Errorf("gave up after %s", took)
		}

		// What takes long without a refusal is not cut off.
		if err := Unused(t.Context(), func(ctx context.Context) error {
			return sleepUntil(ctx, time.Now().Add(10*patience))
		}, inUse); err != nil {
			t.Error(err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Unused(ctx, func(context.Context) error { return used }, inUse); !errors.Is(err, used) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("interrupted: %v", err)
		}

		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		calls = 0
		if err := Unused(ctx, func(ctx context.Context) error {
			if calls++; calls == 1 {
				return used
			}
			<-ctx.Done()
			return ctx.Err()
		}, inUse); !errors.Is(err, used) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("interrupted in a request: %v", err)
		}
	})
}
