package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// obj and list are JSON.
type (
	obj  = map[string]any
	list = []any
)

// nobody is an id of the right form that no object has.
const nobody = "00000000-dead-beef-0000-000000000000"

// cloud is what one test runs on: a simulator of its own, or the real cloud.
type cloud struct {
	simulator *simulator.Simulator // nil on a real cloud
	clouds    map[string]credentials
	user      string // the entry of clouds that the test runs as
	prefix    string // begins the name of everything that the test makes
	http      *http.Client
}

// credentials are one entry of clouds.yaml.
type credentials struct {
	Auth struct {
		AuthURL           string `yaml:"auth_url"`
		Username          string `yaml:"username"`
		Password          string `yaml:"password"`
		ProjectName       string `yaml:"project_name"`
		ProjectID         string `yaml:"project_id"`
		UserDomainName    string `yaml:"user_domain_name"`
		ProjectDomainName string `yaml:"project_domain_name"`
	} `yaml:"auth"`
	RegionName string `yaml:"region_name"`
}

// open finds the cloud for a test, which it makes parallel. The options are the simulator's.
func open(t *testing.T, options simulator.Options) *cloud {
	t.Helper()
	t.Parallel()
	c := &cloud{
		user: os.Getenv("OS_CLOUD"), prefix: fmt.Sprintf("conf%08x", rand.Uint32()),
		http: &http.Client{
			Timeout:   5 * time.Minute,
			Transport: &http.Transport{MaxIdleConnsPerHost: 8},
			// A redirect is an answer to be checked.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	t.Cleanup(c.http.CloseIdleConnections)
	text := cloudsYAML(t)
	if c.user == "" {
		var err error
		if c.simulator, err = simulator.Run(options); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.simulator.Close(); err != nil {
				t.Error(err)
			}
		})
		c.user, text = "demo", c.simulator.CloudsYAML()
	}
	var file struct {
		Clouds map[string]credentials `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	c.clouds = file.Clouds
	if _, ok := c.clouds[c.user]; !ok {
		t.Fatalf("clouds.yaml has no cloud %q", c.user)
	}
	return c
}

// cloudsYAML is the text of clouds.yaml, from where every OpenStack tool looks for it.
func cloudsYAML(t *testing.T) []byte {
	t.Helper()
	if os.Getenv("OS_CLOUD") == "" {
		return nil
	}
	paths := []string{os.Getenv("OS_CLIENT_CONFIG_FILE"), "clouds.yaml"}
	if home, err := os.UserConfigDir(); err == nil {
		paths = append(paths, filepath.Join(home, "openstack", "clouds.yaml"))
	}
	for _, path := range append(paths, "/etc/openstack/clouds.yaml") {
		if path == "" {
			continue
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	t.Fatal("OS_CLOUD is set, but there is no clouds.yaml")
	return nil
}

// real says whether the test runs on a real cloud.
func (c *cloud) real() bool { return c.simulator == nil }

// hold lets nothing on the simulator come to its end until it is released, so that what passes can be seen. A real cloud takes
// its time by itself.
func (c *cloud) hold() (release func()) {
	if c.real() {
		return func() {}
	}
	return c.simulator.Hold()
}

// name is a name of its own for an object of the test.
func (c *cloud) name(what string) string { return c.prefix + "-" + what }

// session is a user's token in a project.
type session struct {
	*cloud
	auth      *api // the Identity API
	token     string
	projectID string
	userID    string
	catalog   map[string]string
}

// login opens a session of the user under test.
func (c *cloud) login(t *testing.T) *session {
	t.Helper()
	return c.as(t, c.user)
}

// as opens a session of another entry of clouds.yaml; without that the test is skipped.
func (c *cloud) as(t *testing.T, name string) *session {
	t.Helper()
	who, ok := c.clouds[name]
	if !ok {
		t.Skipf("clouds.yaml has no cloud %q", name)
	}
	return c.session(t, who)
}

func (c *cloud) session(t *testing.T, who credentials) *session {
	t.Helper()
	s := &session{cloud: c, catalog: map[string]string{}}
	s.auth = &api{session: s, kind: "identity", base: who.identityURL()}
	a := s.auth.want(t, http.StatusCreated, "POST", "/auth/tokens", obj{"auth": obj{"identity": who.identity(), "scope": who.scope()}})
	s.token = a.header.Get("X-Subject-Token")
	s.projectID, s.userID = a.str(t, "token.project.id"), a.str(t, "token.user.id")
	for _, service := range a.list(t, "token.catalog") {
		for _, endpoint := range dig(service, "endpoints").(list) {
			if dig(endpoint, "interface") == "public" && (who.RegionName == "" || dig(endpoint, "region") == who.RegionName) {
				s.catalog[dig(service, "type").(string)] = strings.TrimSuffix(dig(endpoint, "url").(string), "/")
			}
		}
	}
	return s
}

func (c credentials) identityURL() string {
	return strings.TrimSuffix(strings.TrimSuffix(c.Auth.AuthURL, "/"), "/v3") + "/v3"
}

func (c credentials) identity() obj {
	return obj{"methods": list{"password"}, "password": obj{"user": obj{
		"name": c.Auth.Username, "password": c.Auth.Password, "domain": obj{"name": c.Auth.UserDomainName},
	}}}
}

func (c credentials) scope() obj {
	if c.Auth.ProjectID != "" {
		return obj{"project": obj{"id": c.Auth.ProjectID}}
	}
	return obj{"project": obj{"name": c.Auth.ProjectName, "domain": obj{"name": c.Auth.ProjectDomainName}}}
}

// api is one service as a session sees it.
type api struct {
	*session
	kind   string
	base   string
	header map[string]string
}

// service finds a service in the catalog by the first of its types that is there.
func (s *session) service(t *testing.T, path string, types ...string) *api {
	t.Helper()
	for _, kind := range types {
		if url, ok := s.catalog[kind]; ok {
			return &api{session: s, kind: types[0], base: strings.TrimSuffix(url, path) + path}
		}
	}
	t.Skipf("the catalog has no service %s", types[0])
	return nil
}

func (s *session) network(t *testing.T) *api {
	t.Helper()
	return s.service(t, "/v2.0", "network")
}

// compute speaks the microversion that the provider asks for.
func (s *session) compute(t *testing.T) *api {
	t.Helper()
	return s.service(t, "", "compute").with("X-OpenStack-Nova-API-Version", "2.79")
}

func (s *session) image(t *testing.T) *api {
	t.Helper()
	return s.service(t, "/v2", "image")
}

func (s *session) volume(t *testing.T) *api {
	t.Helper()
	return s.service(t, "", "block-storage", "volumev3")
}

func (s *session) loadBalancer(t *testing.T) *api {
	t.Helper()
	return s.service(t, "/v2/lbaas", "load-balancer")
}

func (s *session) objectStore(t *testing.T) *api {
	t.Helper()
	return s.service(t, "", "object-store")
}

// with is the same service with one more request header; an empty value takes it away.
func (a *api) with(name, value string) *api {
	other := *a
	other.header = map[string]string{name: value}
	for n, v := range a.header {
		if n != name {
			other.header[n] = v
		}
	}
	return &other
}

// answer is what a request got.
type answer struct {
	request string
	service *api
	status  int
	header  http.Header
	text    string
	body    any
}

// do sends a request. A body that is not a string is sent as JSON. The path may be a whole URL. A cloud that
// is too busy to answer (503) is asked again.
func (a *api) do(t *testing.T, method, path string, body any) answer {
	t.Helper()
	var got answer
	a.within(a.patience()/4, func() bool {
		got = a.once(t, method, path, body)
		return got.status != http.StatusServiceUnavailable
	})
	return got
}

func (a *api) once(t *testing.T, method, path string, body any) answer {
	t.Helper()
	var reader io.Reader
	contentType := ""
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		reader, contentType = bytes.NewReader(text), "application/json"
	}
	url := path
	if !strings.HasPrefix(path, "http://") && !strings.HasPrefix(path, "https://") {
		url = a.base + path
	}
	request, err := http.NewRequest(method, url, reader) //nolint:noctx // cleanups send requests after the test's context has ended
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	// As the provider's library does: Glance chooses the form of its faults by it.
	request.Header.Set("Accept", "application/json")
	if a.token != "" {
		request.Header.Set("X-Auth-Token", a.token)
	}
	for name, value := range a.header {
		request.Header.Del(name)
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := a.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	got := answer{request: method + " " + path, service: a, status: response.StatusCode, header: response.Header, text: string(text)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") && json.Unmarshal(text, &got.body) != nil {
		got.body = nil // the content of an object, whose type somebody guessed
	}
	return got
}

// want sends a request and ends the test when the status is another one.
func (a *api) want(t *testing.T, status int, method, path string, body any) answer {
	t.Helper()
	got := a.do(t, method, path, body)
	if got.status != status {
		t.Fatalf("%s %s: %d, want %d: %.600s", a.kind, got.request, got.status, status, got.text)
	}
	return got
}

// get is a GET that succeeds.
func (a *api) get(t *testing.T, path string) answer {
	t.Helper()
	return a.want(t, http.StatusOK, "GET", path, nil)
}

// make creates one object, which is deleted when the test has ended, and returns what the API says of it.
func (a *api) make(t *testing.T, collection, noun string, in obj) obj {
	t.Helper()
	got := a.do(t, "POST", collection, obj{noun: in})
	if got.status != http.StatusOK && got.status != http.StatusCreated && got.status != http.StatusAccepted {
		t.Fatalf("%s %s: %d: %.600s", a.kind, got.request, got.status, got.text)
	}
	made, ok := got.at(noun).(obj)
	if !ok {
		t.Fatalf("%s %s: no %s in %.600s", a.kind, got.request, noun, got.text)
	}
	a.deleteAfter(t, collection+"/"+made["id"].(string))
	return made
}

// deleteAfter deletes an object when the test has ended and waits until it is gone.
func (a *api) deleteAfter(t *testing.T, path string) {
	t.Helper()
	t.Cleanup(func() { a.remove(t, path) })
}

// remove deletes an object and waits until it is gone. What refuses for now is asked again.
func (a *api) remove(t *testing.T, path string) {
	t.Helper()
	where, _, _ := strings.Cut(path, "?")
	var last answer
	gone := a.within(a.patience()/2, func() bool {
		last = a.do(t, "DELETE", path, nil)
		return last.status < http.StatusMultipleChoices || last.status == http.StatusNotFound
	})
	gone = gone && a.within(a.patience(), func() bool {
		last = a.do(t, "GET", where, nil)
		return last.status == http.StatusNotFound
	})
	if !gone {
		t.Errorf("%s is left in the cloud; %s: %d %.300s", path, last.request, last.status, last.text)
	}
}

// patience is how long something may take that is done in the background.
func (c *cloud) patience() time.Duration {
	if c.real() {
		return 5 * time.Minute
	}
	return time.Minute
}

// within asks until f is true, and says whether it was in time.
func (c *cloud) within(patience time.Duration, f func() bool) bool {
	pace := time.Millisecond
	if c.real() {
		pace = 250 * time.Millisecond
	}
	for end := time.Now().Add(patience); ; time.Sleep(pace) {
		if f() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// gone is the state of an object that is not found.
const gone = "404"

// passes waits until the state at a place in an object is the last of the states. All states on the way
// must be among those before it, in that order; none of them need be seen.
func (a *api) passes(t *testing.T, path, place string, states ...string) answer {
	t.Helper()
	next := 0
	var seen []string
	var got answer
	if !a.within(a.patience(), func() bool {
		got = a.do(t, "GET", path, nil)
		state := gone
		if got.status != http.StatusNotFound {
			if got.status != http.StatusOK {
				t.Fatalf("%s %s: %d: %.600s", a.kind, got.request, got.status, got.text)
			}
			state = fmt.Sprint(got.at(place))
		}
		if len(seen) == 0 || seen[len(seen)-1] != state {
			seen = append(seen, state)
		}
		for next < len(states) && states[next] != state {
			next++
		}
		if next == len(states) {
			t.Fatalf("%s %s: the states were %v, want the order %v: %.1500s", a.kind, got.request, seen, states, got.text)
		}
		return next == len(states)-1
	}) {
		t.Fatalf("%s %s: the states were %v, never %s", a.kind, got.request, seen, states[len(states)-1])
	}
	return got
}
