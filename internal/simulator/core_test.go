package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// client speaks to a simulator as one user does.
type client struct {
	t     *testing.T
	sim   *Simulator
	token string
	body  object // of the token
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	body   object
}

// start runs a simulator for one test.
func start(t *testing.T, options Options) *Simulator {
	t.Helper()
	s, err := Run(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// virtual runs a test with a simulator on a virtual clock: what takes time passes at once, and not before the test has looked.
func virtual(t *testing.T, options Options, test func(t *testing.T, s *Simulator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := New(options)
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// as signs a seeded user in.
func as(t *testing.T, s *Simulator, user, project string) *client {
	t.Helper()
	c := &client{t: t, sim: s}
	a := c.send("POST", "/identity/v3/auth/tokens", passwordAuth(user, Password, project))
	if a.status != http.StatusCreated {
		t.Fatalf("token: %d %s", a.status, a.text)
	}
	c.token, c.body = a.header.Get("X-Subject-Token"), a.body.obj("token")
	return c
}

func passwordAuth(user, password, project string) string {
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"password":%q,"domain":{"name":"Default"}}}},
		"scope":{"project":{"name":%q,"domain":{"id":"default"}}}}}`, user, password, project)
}

func (c *client) send(method, path, body string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c *client) try(method, path, body string, header map[string]string) (answer, error) {
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.sim.URL()+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if c.token != "" {
		request.Header.Set("X-Auth-Token", c.token)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	var response *http.Response
	if c.sim.listener == nil { // on a virtual clock there is no network
		recorder := httptest.NewRecorder()
		c.sim.ServeHTTP(recorder, request)
		response = recorder.Result()
	} else if response, err = http.DefaultClient.Do(request); err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	if bytes.HasPrefix(text, []byte("{")) {
		if err := json.Unmarshal(text, &a.body); err != nil {
			return a, err
		}
	}
	return a, nil
}

// want sends and checks the status.
func (c *client) want(status int, method, path, body string) answer {
	c.t.Helper()
	a := c.send(method, path, body)
	if a.status != status {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.status, status, a.text)
	}
	return a
}

// eventually waits until f is true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}
