package openstack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// DefaultMaxRetries is how often one request is tried again when Config does not say.
const DefaultMaxRetries = 5

// idleConnection is how long a connection waits for the next request: longer than the slowest polling. Not much, because
// Neutron's and Cinder's APIs serve 100 connections a process (oslo.service's wsgi_default_pool_size), idle ones as well,
// and leave the next one waiting until one of them ends.
const idleConnection = 3 * slowestPoll

// transport sends requests for the client library: retries by rule, a redacted log line each, a count, and a
// generation that tells batched reads when something was written.
type transport struct {
	inner      http.RoundTripper
	retry      *retryablehttp.Client
	logBodies  bool
	count      atomic.Int64
	generation atomic.Int64
	ceilings   sync.Map // host -> newest compute microversion that it offers
}

func newTransport(config Config) (*transport, error) {
	tlsConfig, err := config.tls()
	if err != nil {
		return nil, err
	}
	t := config.Timeouts
	orElse(&t.Connect, 30*time.Second)
	orElse(&t.TLSHandshake, 15*time.Second)
	orElse(&t.ResponseHeader, 5*time.Minute) // a loaded Neutron has been seen to take two
	orElse(&t.RetryWaitMin, 500*time.Millisecond)
	orElse(&t.RetryWaitMax, 30*time.Second)
	retries := config.MaxRetries
	if retries == 0 {
		retries = DefaultMaxRetries
	}
	out := &transport{
		logBodies: config.LogBodies,
		inner: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: t.Connect, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:       tlsConfig,
			TLSHandshakeTimeout:   t.TLSHandshake,
			ResponseHeaderTimeout: t.ResponseHeader,
			ExpectContinueTimeout: time.Second,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          256,
			MaxIdleConnsPerHost:   32,
			IdleConnTimeout:       idleConnection,
		},
	}
	out.retry = &retryablehttp.Client{
		// Redirects are followed once, above, by the client library's own http.Client.
		HTTPClient: &http.Client{
			Transport:     logged{out},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     max(retries, 0),
		RetryWaitMin: t.RetryWaitMin,
		RetryWaitMax: t.RetryWaitMax,
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return out, nil
}

func orElse(value *time.Duration, otherwise time.Duration) {
	if *value == 0 {
		*value = otherwise
	}
}

func (c Config) tls() (*tls.Config, error) {
	out := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: c.Insecure, //nolint:gosec // the user's explicit choice
	}
	if len(c.CACertificate) > 0 {
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(c.CACertificate) {
			return nil, errors.New("the CA certificate holds no certificate in PEM form")
		}
	}
	if len(c.ClientCertificate) > 0 || len(c.ClientKey) > 0 {
		pair, err := tls.X509KeyPair(c.ClientCertificate, c.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("read the client certificate and its key: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// RoundTrip sends a request, again where the rules allow it.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if writes(req) {
		// Both ends count: a list that began while the write was under way may or may not show it.
		t.generation.Add(1)
		defer t.generation.Add(1)
	}
	if ceiling, ok := t.ceilings.Load(req.URL.Host); ok {
		req = withMicroversion(req, ceiling)
	}
	resp, err := t.roundTrip(req)
	if err == nil && resp.StatusCode == http.StatusNotAcceptable && microversion(req) != "" {
		return t.lowerMicroversion(req, resp)
	}
	return resp, err
}

// writes tells whether a request may change what lists show.
func writes(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return !tokenPath(req.URL.Path)
}

func (t *transport) roundTrip(req *http.Request) (*http.Response, error) {
	// The body of a large upload is a stream that can be read once.
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return logged{t}.RoundTrip(req)
	}
	sent := &attempt{method: req.Method, harmless: harmless(req)}
	ctx := context.WithValue(req.Context(), attemptKey{}, sent)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaderField: func(string, []string) { sent.left.Store(true) },
	})
	again, err := retryablehttp.FromRequest(req.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("read the request's body: %w", err)
	}
	resp, err := t.retry.Do(again) //nolint:bodyclose // the caller of RoundTrip closes it
	var wrapped *url.Error
	if errors.As(err, &wrapped) { // the http.Client above names method and URL once more
		err = wrapped.Err
	}
	return resp, err
}

// attempt is what the retry rules need to know about a request when there is no response.
type attempt struct {
	method   string
	harmless bool         // to send twice
	left     atomic.Bool  // some of the request was written to a connection
	faults   atomic.Int32 // answers 500
}

// mostFaults is how often a service may fail to read before the user hears of it. Octavia answers 500 when something else removes what
// it lists at that moment; what fails for another reason fails again.
const mostFaults = 2

type attemptKey struct{}

// checkRetry holds the rules: what the service says about being busy for every method, what a gateway says or a broken
// connection only where sending twice does no harm, a failure to read a few times, and never what tells the user something.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil && resp != nil {
		return false, nil // an answer is an answer, even to who was interrupted meanwhile
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	sent, ok := ctx.Value(attemptKey{}).(*attempt)
	if !ok {
		return false, err
	}
	if err != nil {
		return !permanent(err) && (sent.harmless || !sent.left.Load()), nil
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true, nil
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return sent.harmless, nil
	case http.StatusInternalServerError:
		reads := sent.method == http.MethodGet || sent.method == http.MethodHead
		return reads && sent.faults.Add(1) <= mostFaults, nil
	}
	return false, nil
}

// harmless tells requests that may be sent twice: those that HTTP says so of, and that of a token.
func harmless(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return tokenPath(req.URL.Path)
}

// permanent tells errors that the same request would meet again: names that do not resolve, untrusted certificates,
// URLs that are none.
func permanent(err error) bool {
	var (
		dns       *net.DNSError
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	switch {
	case errors.As(err, &dns):
		return dns.IsNotFound
	case errors.As(err, &verify), errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid),
		errors.As(err, &record), errors.As(err, &alert):
		return true
	}
	text := err.Error()
	return strings.Contains(text, "unsupported protocol scheme") || strings.Contains(text, "server gave HTTP response to HTTPS client")
}

// backoff doubles from the shortest wait to the longest, spread by chance so that many clients do not come back
// together; Retry-After is honoured in full.
func backoff(shortest, longest time.Duration, attempt int, resp *http.Response) time.Duration {
	wait := retryablehttp.DefaultBackoff(shortest, longest, attempt, resp)
	if resp != nil && resp.Header.Get("Retry-After") != "" {
		return wait + rand.N(shortest+1) //nolint:gosec // jitter
	}
	return wait/2 + rand.N(wait/2+1) //nolint:gosec // jitter
}

const novaVersionHeader = "X-Openstack-Nova-Api-Version"

var maximumVersion = regexp.MustCompile(`maximum is (\d+\.\d+)`)

func microversion(req *http.Request) string { return req.Header.Get(novaVersionHeader) }

func withMicroversion(req *http.Request, ceiling any) *http.Request {
	version, ok := ceiling.(string)
	if !ok || microversion(req) == "" {
		return req
	}
	req = req.Clone(req.Context())
	req.Header.Set(novaVersionHeader, version)
	req.Header.Set("Openstack-Api-Version", "compute "+version)
	return req
}

// lowerMicroversion sends a request again with the newest version that the compute service says it has.
func (t *transport) lowerMicroversion(req *http.Request, resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the response: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return nil, fmt.Errorf("close the response: %w", err)
	}
	match := maximumVersion.FindSubmatch(body)
	if match == nil || (req.Body != nil && req.GetBody == nil) {
		resp.Body = io.NopCloser(strings.NewReader(string(body)))
		return resp, nil
	}
	ceiling := string(match[1])
	t.ceilings.Store(req.URL.Host, ceiling)
	if req.GetBody != nil {
		if req.Body, err = req.GetBody(); err != nil {
			return nil, fmt.Errorf("read the request's body again: %w", err)
		}
	}
	return t.roundTrip(withMicroversion(req, ceiling))
}
