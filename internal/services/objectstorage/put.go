package objectstorage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

const (
	// putAttempts is how often one object is sent at most.
	putAttempts = 5
	// firstPause is how long to wait before the second attempt; each further pause is twice as long.
	firstPause = 500 * time.Millisecond
)

// put sends one object and returns what Swift says about it. The client library and the transport below it cannot send a stream with its length,
// nor send it again, so both are done here: a hash in the headers makes every attempt the same.
func put(ctx context.Context, client *gophercloud.ServiceClient, target string, headers map[string]string, content *io.SectionReader) (http.Header, error) {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		got, err := putOnce(ctx, client, target, headers, content)
		if err == nil || attempt == putAttempts || ctx.Err() != nil || !again(err) {
			return got, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, errors.Join(err, ctx.Err())
		case <-timer.C:
		}
		pause *= 2
	}
}

// again tells whether another attempt may succeed: the service was busy, something on the way broke, or the token has expired.
func again(err error) bool {
	fault, ok := openstack.FaultOf(err)
	if !ok {
		return openstack.Lost(err)
	}
	switch fault.Status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout, 499: // the connection ended before the content did
		return true
	}
	return false
}

func putOnce(ctx context.Context, client *gophercloud.ServiceClient, target string, headers map[string]string, content *io.SectionReader) (http.Header, error) {
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the content from its beginning: %w", err)
	}
	var body io.Reader = http.NoBody
	if content.Size() > 0 {
		body = content
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, target, body)
	if err != nil {
		return nil, fmt.Errorf("address %s: %w", target, err)
	}
	req.ContentLength = content.Size()
	if content.Size() > minSegment {
		req.Header.Set("Expect", "100-continue") // who is refused need not send it all
	}
	req.Header.Set("User-Agent", client.UserAgent.Join())
	for name, v := range headers {
		req.Header.Set(name, v)
	}
	token := client.Token()
	req.Header.Set("X-Auth-Token", token)
	resp, err := client.HTTPClient.Do(req)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil && resp.StatusCode == http.StatusCreated {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode == http.StatusCreated {
		return resp.Header, nil
	}
	refused := gophercloud.ErrUnexpectedResponseCode{
		URL: target, Method: http.MethodPut, Expected: []int{http.StatusCreated}, Actual: resp.StatusCode, Body: text, ResponseHeader: resp.Header,
	}
	if resp.StatusCode == http.StatusUnauthorized {
		if err := client.Reauthenticate(ctx, token); err != nil {
			return nil, fmt.Errorf("renew the token: %w", err)
		}
	}
	return nil, refused
}
