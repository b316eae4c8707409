package openstack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// grace is how long a request that makes something may still take after its caller has been interrupted.
const grace = time.Minute

// makes tells whether a request may make an object: a POST, or a PUT as Swift has it, but no large upload.
func makes(req *http.Request) bool {
	const large = 1 << 20
	return req.Method == http.MethodPost || req.Method == http.MethodPut && req.ContentLength < large
}

// outliving is a context for a request that makes something: an interrupt must not cut it off, for the service goes on regardless, and what it
// makes would be known to nobody. Whoever asked gets the answer and is stopped by its own context at the next step.
func outliving(ctx context.Context) context.Context {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return out
}

// Lost tells whether a request may have been carried out although no answer came from the service: the connection
// broke, its time was up, or a gateway answered in its place.
func Lost(err error) bool {
	var response gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &response) {
		return response.Actual == http.StatusBadGateway || response.Actual == http.StatusGatewayTimeout
	}
	var transport *url.Error
	return errors.As(err, &transport) && !permanent(err)
}

// Candidate is an object that a lost request may have made.
type Candidate struct {
	ID      string
	Created time.Time // by the cloud's clock
}

// clockSkew is how far the cloud's clock may be behind ours.
const clockSkew = 30 * time.Second

// FindLost returns the id of what a lost request, sent at begin, has made: the only candidate that is as young. Where
// there is none or several, it returns the request's error, for what cannot be told apart from another is not ours to
// take. It has time of its own and some patience: a service under load may still be making the object.
func FindLost(ctx context.Context, lost error, begin time.Time, candidates func(context.Context) ([]Candidate, error)) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for wait := time.Second; ; wait *= 2 {
		all, err := candidates(ctx)
		if err != nil {
			return "", errors.Join(lost, err)
		}
		young := slices.DeleteFunc(all, func(c Candidate) bool { return c.Created.Before(begin.Add(-clockSkew)) })
		if len(young) == 1 {
			return young[0].ID, nil
		}
		if wait > 8*time.Second || sleepUntil(ctx, time.Now().Add(wait)) != nil { // asked five times in a quarter of a minute
			return "", lost
		}
	}
}
