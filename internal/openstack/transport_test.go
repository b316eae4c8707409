package openstack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"
)

func TestRetries(t *testing.T) {
	drop := 0
	cases := map[string]struct {
		method string
		status int // 0 = the connection is cut before an answer
		sent   int64
	}{
		"busy, GET":          {"GET", 503, 3},
		"busy, POST":         {"POST", 503, 3},
		"too many, PATCH":    {"PATCH", 429, 3},
		"gateway, GET":       {"GET", 502, 3},
		"gateway, PUT":       {"PUT", 504, 3},
		"gateway, DELETE":    {"DELETE", 504, 3},
		"gateway, POST":      {"POST", 502, 1},
		"gateway, PATCH":     {"PATCH", 504, 1},
		"cut, GET":           {"GET", drop, 3},
		"cut, POST":          {"POST", drop, 1},
		"internal, GET":      {"GET", 500, 3},
		"internal, HEAD":     {"HEAD", 500, 3},
		"internal, PUT":      {"PUT", 500, 1},
		"internal, POST":     {"POST", 500, 1},
		"conflict, PUT":      {"PUT", 409, 1},
		"not found, GET":     {"GET", 404, 1},
		"bad request, POST":  {"POST", 400, 1},
		"entity too large":   {"POST", 413, 1},
		"not implemented":    {"GET", 501, 1},
		"forbidden, DELETE":  {"DELETE", 403, 1},
		"unprocessable, PUT": {"PUT", 422, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFakeCloud(t)
			var sent atomic.Int64
			f.mux.HandleFunc("/net/v2.0/x", func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || (c.method == "POST" && string(body) != `{"a":1}`) {
					t.Errorf("body %q (%v)", body, err)
				}
				if sent.Add(1) >= 3 {
					respond(w, http.StatusOK, `{}`)
					return
				}
				if c.status == drop {
					panic(http.ErrAbortHandler)
				}
				respond(w, c.status, `{}`)
			})
			cloud := f.open(t)
			client, err := cloud.Network()
			if err != nil {
				t.Fatal(err)
			}
			opts := &gophercloud.RequestOpts{OkCodes: []int{200}}
			if c.method == "POST" {
				opts.JSONBody = map[string]int{"a": 1}
			}
			_, err = client.Request(t.Context(), c.method, client.ServiceURL("x"), opts)
			if sent.Load() != c.sent || (err == nil) != (c.sent == 3) {
				t.Errorf("sent %d times, want %d (%v)", sent.Load(), c.sent, err)
			}
			if c.sent == 1 && c.status != drop {
				if fault, ok := FaultOf(err); !ok || fault.Status != c.status {
					t.Errorf("got %v", err)
				}
			}
			// net/http itself sends a GET again on another connection when an idle one turns out to be closed.
			if got := cloud.RequestCount(); got != 1+c.sent && c.status != drop {
				t.Errorf("counted %d", got)
			}
		})
	}
}

// A request that never left may be sent again whatever its method is.
func TestPostIsSentAgainWhenNothingLeft(t *testing.T) {
	tr, err := newTransport(Config{Timeouts: Timeouts{RetryWaitMin: time.Millisecond, RetryWaitMax: time.Millisecond}, MaxRetries: 2})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
		t.Fatal("nobody listens")
	}
	if got := tr.count.Load(); got != 3 {
		t.Errorf("tried %d times", got)
	}
}

// A second token does no harm: who logs in tries again where a POST of something else would not.
func TestLoginIsSentAgain(t *testing.T) {
	f := newFakeCloud(t)
	f.cuts.Store(2)
	f.open(t)
	if got := len(f.requests("POST /v3/auth/tokens")); got != 3 {
		t.Errorf("sent %d times", got)
	}
}

func TestGivingUpShowsTheAnswer(t *testing.T) {
	for status, sent := range map[int]int{503: 1 + DefaultMaxRetries, 500: 1 + mostFaults} {
		f := newFakeCloud(t)
		f.mux.HandleFunc("/net/v2.0/x", func(w http.ResponseWriter, _ *http.Request) {
			respond(w, status, `{"NeutronError": {"type": "Busy", "message": "later", "detail": ""}}`)
		})
		cloud := f.open(t)
		client, err := cloud.Network()
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Get(t.Context(), client.ServiceURL("x"), nil, nil)
		if fault, ok := FaultOf(err); !ok || fault.Message != "later" {
			t.Errorf("%d: got %v", status, err)
		}
		if got := len(f.requests("GET /net")); got != sent {
			t.Errorf("%d: sent %d times", status, got)
		}
	}
}

func TestRetryEndsWithTheContext(t *testing.T) {
	f := newFakeCloud(t)
	f.mux.HandleFunc("/net/v2.0/x", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		respond(w, 503, `{}`)
	})
	cloud := f.open(t)
	client, err := cloud.Network()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begin := time.Now()
	if _, err = client.Get(ctx, client.ServiceURL("x"), nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("ended after %s", took)
	}
}

func TestBackoff(t *testing.T) {
	busy := &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"7"}}}
	for attempt := range 10 {
		if got := backoff(time.Second, time.Minute, attempt, busy); got < 7*time.Second || got > 8*time.Second {
			t.Errorf("waits %s of 7 s", got)
		}
		plain := min(time.Second<<attempt, time.Minute)
		if got := backoff(time.Second, time.Minute, attempt, nil); got < plain/2 || got > plain {
			t.Errorf("attempt %d waits %s", attempt, got)
		}
	}
}

// A stream can be read once: it is sent once, and not collected in memory.
func TestStreamIsSentOnce(t *testing.T) {
	f := newFakeCloud(t)
	var sent atomic.Int64
	f.mux.HandleFunc("PUT /net/v2.0/x", func(w http.ResponseWriter, r *http.Request) {
		sent.Add(1)
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		respond(w, 503, `{}`)
	})
	cloud := f.open(t)
	client, err := cloud.Network()
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Request(t.Context(), "PUT", client.ServiceURL("x"), &gophercloud.RequestOpts{RawBody: io.LimitReader(zeros{}, 1<<20)})
	if fault, ok := FaultOf(err); !ok || fault.Status != 503 || sent.Load() != 1 {
		t.Errorf("sent %d times: %v", sent.Load(), err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestLogHidesSecrets(t *testing.T) {
	f := newFakeCloud(t)
	f.mux.HandleFunc("POST /net/v2.0/x", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Subject-Token", "HIDDEN-1")
		respond(w, 201, `{"server":{"adminPass":"HIDDEN-2","name":"web-1","secret_ref":"http://shown-ref"},
			"credential":{"access":"shown-access","secret":"HIDDEN-3"},"keypair":{"private_key":"HIDDEN-4"}}`)
	})
	f.mux.HandleFunc("PUT /net/v2.0/x", func(w http.ResponseWriter, _ *http.Request) { respond(w, 201, ``) })
	config := f.config()
	config.LogBodies = true
	var out bytes.Buffer
	logCtx := tflogtest.RootLogger(t.Context(), &out)
	cloud, err := Open(logCtx, config)
	if err != nil {
		t.Fatal(err)
	}
	client, err := cloud.Network()
	if err != nil {
		t.Fatal(err)
	}
	body := map[string]any{"server": map[string]any{"user_data": "HIDDEN-5", "name": "web-1"}, "list": []any{map[string]any{"db_password": "HIDDEN-6"}},
		"auth": map[string]any{"token": map[string]any{"id": "HIDDEN-7"}}}
	if _, err := client.Post(logCtx, client.ServiceURL("x")+"?temp_url_sig=HIDDEN-8&name=shown-query", body, nil, nil); err != nil {
		t.Fatal(err)
	}
	_, err = client.Request(logCtx, "PUT", client.ServiceURL("x"), &gophercloud.RequestOpts{
		RawBody: strings.NewReader("HIDDEN-9"), MoreHeaders: map[string]string{"Content-Type": "text/plain", "X-Container-Meta-Temp-Url-Key": "HIDDEN-10"},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, secret := range []string{"HIDDEN", "swordfish", "token-1"} {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("the log shows %s", text[max(0, i-80):min(len(text), i+20)])
		}
	}
	for _, shown := range []string{"web-1", "shown-ref", "shown-access", "shown-query", "req-1", `"status":` + strconv.Itoa(201), "duration_ms", "(8 bytes)"} {
		if !strings.Contains(text, shown) {
			t.Errorf("the log lacks %q:\n%s", shown, text)
		}
	}
}

// What an interrupted POST makes would be known to nobody, so the answer is waited for; the next request is not sent.
func TestAnInterruptedPostIsFinished(t *testing.T) {
	f := newFakeCloud(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.mux.HandleFunc("/net/v2.0/x", func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		time.Sleep(20 * time.Millisecond)
		respond(w, http.StatusCreated, `{"id": "made"}`)
	})
	client, err := f.open(t).Network()
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ ID string }
	if _, err := client.Post(ctx, client.ServiceURL("x"), map[string]any{"a": 1}, &made, nil); err != nil || made.ID != "made" {
		t.Errorf("%q, %v", made.ID, err)
	}
	if _, err := client.Get(ctx, client.ServiceURL("x"), nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the interrupt: %v", err)
	}
}

func TestLost(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"nothing":   {nil, false},
		"refused":   {gophercloud.ErrUnexpectedResponseCode{Actual: http.StatusConflict}, false},
		"gateway":   {gophercloud.ErrUnexpectedResponseCode{Actual: http.StatusGatewayTimeout}, true},
		"cut":       {&url.Error{Op: "Post", URL: "http://x", Err: io.EOF}, true},
		"no such":   {&url.Error{Op: "Post", URL: "http://x", Err: &net.DNSError{IsNotFound: true}}, false},
		"our words": {errors.New("no flavor"), false},
	} {
		if got := Lost(c.err); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
