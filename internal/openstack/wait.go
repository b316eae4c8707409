package openstack

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// The pace of polling: intervals are doublings of the first one and grow with the time that passed.
const (
	firstPoll   = 250 * time.Millisecond
	slowestPoll = 4 * time.Second
)

// Waiting describes what is waited for.
type Waiting[T any] struct {
	What    string                           // for messages: `load balancer "web"`
	Fetch   func(context.Context) (T, error) // reads the object; batched reads are never answered from before the poll
	State   func(T) string                   // the object's state, also for messages
	Target  []string                         // states that end the wait
	Failure []string                         // states that fail it
	Fault   func(T) string                   // optional: the API's own words about a failure
	MaxPoll time.Duration                    // optional: the longest interval between polls; 0 = 4 s
}

// FailedError says that an object reached a failure state.
type FailedError struct {
	What, State, Fault string
}

func (e *FailedError) Error() string {
	if e.Fault == "" {
		return fmt.Sprintf("%s reached the state %s", e.What, e.State)
	}
	return fmt.Sprintf("%s reached the state %s: %s", e.What, e.State, e.Fault)
}

// Wait polls until the object is in a target state and returns it as read last.
func Wait[T any](ctx context.Context, w Waiting[T]) (T, error) {
	var last T
	var since time.Time
	err := poll(ctx, w.MaxPoll, func(ctx context.Context) (string, bool, error) {
		object, err := w.Fetch(ctx)
		if err != nil {
			return "", false, err
		}
		last = object
		state := w.State(object)
		if slices.Contains(w.Failure, state) {
			return state, false, w.failed(object, state, &since)
		}
		return state, slices.Contains(w.Target, state), nil
	}, func() string { return fmt.Sprintf("%s to become %s", w.What, oneOf(w.Target)) })
	return last, err
}

// WaitGone polls until Fetch answers NotFound or the object is in a target state (for services that keep deleted
// objects readable for a while).
func WaitGone[T any](ctx context.Context, w Waiting[T]) error {
	var since time.Time
	return poll(ctx, w.MaxPoll, func(ctx context.Context) (string, bool, error) {
		object, err := w.Fetch(ctx)
		if NotFound(err) {
			return "", true, nil
		}
		if err != nil {
			return "", false, err
		}
		state := ""
		if w.State != nil {
			state = w.State(object)
		}
		if slices.Contains(w.Failure, state) {
			return state, false, w.failed(object, state, &since)
		}
		return state, slices.Contains(w.Target, state), nil
	}, func() string { return w.What + " to be gone" })
}

// reasonWithin is how long the reason of a failure is waited for: Nova and Cinder store the state ERROR first, and why a moment later.
const reasonWithin = 5 * time.Second

// failed is the error of an object in a failure state, or nil while the API's words about it may still come. It keeps since when
// the object has failed.
func (w Waiting[T]) failed(object T, state string, since *time.Time) error {
	failed := &FailedError{What: w.What, State: state}
	if w.Fault == nil {
		return failed
	}
	if since.IsZero() {
		*since = time.Now()
	}
	if failed.Fault = w.Fault(object); failed.Fault == "" && time.Since(*since) < reasonWithin {
		return nil
	}
	return failed
}

// patience is how long Unused waits for the users of an object.
const patience = 45 * time.Second

// Unused calls remove, or anything else that wants an object for itself, again as long as its error says that something
// uses the object: what the same plan is doing lets go of it soon. In the end it returns what remove said last.
func Unused(ctx context.Context, remove func(context.Context) error, inUse func(error) bool) error {
	return Insist(ctx, patience, remove, inUse)
}

// routedWithin is how long a subnet may take to get its router: that is often made at the same time as what gets the floating
// IP, which does not depend on it.
const routedWithin = 3 * time.Minute

// WhenRouted calls associate, which points a floating IP at a port, again as long as no router joins the port's subnet to
// the external network. In the end it returns what associate said last.
func WhenRouted(ctx context.Context, associate func(context.Context) error) error {
	return Insist(ctx, routedWithin, associate, func(err error) bool {
		fault, ok := FaultOf(err)
		return ok && fault.Kind == "ExternalGatewayForFloatingIPNotFound"
	})
}

// Insist calls ask again as long as its error is one that passes, which it may do for that long. In the end it returns what
// ask said last.
func Insist(ctx context.Context, patience time.Duration, ask func(context.Context) error, passes func(error) bool) error {
	begin := time.Now()
	var refusal error
	for {
		err := ask(notBefore(ctx, time.Now()))
		switch {
		case passes(err):
			refusal = err
		case refusal != nil && err != nil && ctx.Err() != nil: // the refusal tells more than that time was up
			return fmt.Errorf("%w (%w)", refusal, ctx.Err())
		default:
			return err
		}
		if time.Since(begin) > patience {
			return refusal
		}
		if sleepUntil(ctx, nextPoll(begin, time.Now(), slowestPoll)) != nil {
			return fmt.Errorf("%w (%w)", refusal, ctx.Err())
		}
	}
}

// poll calls check at clock-aligned instants until it is done, fails or the context ends.
func poll(ctx context.Context, longest time.Duration, check func(context.Context) (state string, done bool, err error), goal func() string) error {
	if longest <= 0 {
		longest = slowestPoll
	}
	begin := time.Now()
	state := ""
	for {
		if err := sleepUntil(ctx, nextPoll(begin, time.Now(), longest)); err != nil {
			return ended(err, goal(), time.Since(begin), state)
		}
		now, done, err := check(notBefore(ctx, time.Now()))
		switch {
		case ctx.Err() != nil && err != nil && errors.Is(err, ctx.Err()):
			return ended(ctx.Err(), goal(), time.Since(begin), state)
		case err != nil:
			return fmt.Errorf("wait for %s: %w", goal(), err)
		case done:
			return nil
		}
		state = now
	}
}

// ended says what was waited for when the context ended.
func ended(cause error, goal string, waited time.Duration, state string) error {
	verb := "interrupted"
	if errors.Is(cause, context.DeadlineExceeded) {
		verb = "timed out"
	}
	if state == "" {
		state = "unknown"
	}
	return fmt.Errorf("%s after %s waiting for %s; its last state was %s: %w", verb, waited.Round(100*time.Millisecond), goal, state, cause)
}

// nextPoll is the next instant to look: about a third of the time that passed already, on a multiple of the interval
// since the epoch. As all intervals are doublings of one, whoever waits at the same time looks at the same time, and
// the reads fall into one batch.
func nextPoll(begin, now time.Time, longest time.Duration) time.Time {
	interval := firstPoll
	if steps := uint64(now.Sub(begin) / (3 * firstPoll)); steps > 1 {
		interval = firstPoll << (bits.Len64(steps) - 1)
	}
	interval = max(min(interval, longest), time.Millisecond)
	// Half an interval at least, one and a half at most.
	return now.Add(interval + interval/2).Truncate(interval)
}

func sleepUntil(ctx context.Context, instant time.Time) error {
	timer := time.NewTimer(time.Until(instant))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ctx.Err()
	}
}

func oneOf(states []string) string {
	text := ""
	for i, s := range states {
		switch {
		case i == 0:
		case i == len(states)-1:
			text += " or "
		default:
			text += ", "
		}
		text += s
	}
	return text
}

type notBeforeKey struct{}

// notBefore makes batched reads below this context refuse answers that were fetched before the instant.
func notBefore(ctx context.Context, instant time.Time) context.Context {
	return context.WithValue(ctx, notBeforeKey{}, instant)
}

func earliest(ctx context.Context) time.Time {
	instant, _ := ctx.Value(notBeforeKey{}).(time.Time)
	return instant
}
