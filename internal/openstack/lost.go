package openstack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
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

// FindLost asks for what a lost request may have made, with time of its own and some patience: a service under load may
// still be making it. It returns the error that find has given last, or the first that says it was found.
func FindLost(ctx context.Context, find func(context.Context) (found bool, err error)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	wait := time.Second
	for {
		found, err := find(ctx)
		if found || ctx.Err() != nil {
			return err
		}
		if wait > 8*time.Second { // asked four times in fifteen seconds
			return err
		}
		if sleepUntil(ctx, time.Now().Add(wait)) != nil {
			return err
		}
		wait *= 2
	}
}
