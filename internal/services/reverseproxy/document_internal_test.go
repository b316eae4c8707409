package reverseproxy

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	documents "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// Each problem of a document is shown at the attribute that is to blame.
func TestConfigPath(t *testing.T) {
	t.Parallel()
	good := map[string]documents.Target{"v1": {URL: "https://10.0.0.1", Weight: 1}}
	for want, config := range map[string]documents.Config{
		`upstreams["Shop!"]`:                        {Upstreams: map[string]documents.Upstream{"Shop!": {Targets: good}}},
		`upstreams["shop"].targets`:                 {Upstreams: map[string]documents.Upstream{"shop": {}}},
		`upstreams["shop"].targets["v1"].url`:       {Upstreams: map[string]documents.Upstream{"shop": {Targets: map[string]documents.Target{"v1": {URL: "x", Weight: 1}}}}},
		`upstreams["shop"].targets["v1"].weight`:    {Upstreams: map[string]documents.Upstream{"shop": {Targets: map[string]documents.Target{"v1": {URL: "http://a.b", Weight: 1001}}}}},
		`upstreams["shop"].host_header`:             {Upstreams: map[string]documents.Upstream{"shop": {Targets: good, HostHeader: "a b"}}},
		`upstreams["shop"].rewrite_body_types[0]`:   {Upstreams: map[string]documents.Upstream{"shop": {Targets: good, HostHeader: "a.b", RewriteResponses: true, RewriteBodyTypes: []string{"html"}}}},
		`upstreams["shop"].request_headers["Host"]`: {Upstreams: map[string]documents.Upstream{"shop": {Targets: good, RequestHeaders: map[string]string{"Host": "x"}}}},
		`upstreams["shop"].response_headers["A B"]`: {Upstreams: map[string]documents.Upstream{"shop": {Targets: good, ResponseHeaders: map[string]string{"A B": "x"}}}},
		`upstreams["shop"].connect_timeout`:         {Upstreams: map[string]documents.Upstream{"shop": {Targets: good, Timeouts: documents.Timeouts{Connect: -1}}}},
		`upstreams["shop"].response_timeout`:        {Upstreams: map[string]documents.Upstream{"shop": {Targets: good, Timeouts: documents.Timeouts{Response: -1}}}},
		`upstreams["shop"].retries`:                 {Upstreams: map[string]documents.Upstream{"shop": {Targets: good, Retries: new(11)}}},
		`upstreams["shop"].health_check.path`:       {Upstreams: map[string]documents.Upstream{"shop": {Targets: good, HealthCheck: &documents.HealthCheck{}}}},
		`upstreams["shop"].tls.ca`:                  {Upstreams: map[string]documents.Upstream{"shop": {Targets: good, TLS: &documents.UpstreamTLS{CA: "x"}}}},
		`tls.acme.email`:                            {TLS: documents.TLS{ACME: &documents.ACME{Email: "x"}}},
		`tls.hsts.preload`:                          {TLS: documents.TLS{HSTS: &documents.HSTS{MaxAge: documents.Duration(time.Hour), Preload: true}}},
	} {
		found := documents.Problems(config.Validate())
		if len(found) != 1 {
			t.Errorf("%s: %v", want, found)
			continue
		}
		if got := configPath(found[0].Path).String(); got != want {
			t.Errorf("%s instead of %s", got, want)
		}
	}
}

// Only so many problems are shown, with the number of the others.
func TestBlameIsShort(t *testing.T) {
	t.Parallel()
	set := documents.Routes{}
	for i := range 100 {
		set[strings.Repeat("x", i+1)] = "shop"
	}
	_, err := documents.ParseRoutes(set)
	blamed, ok := blame(err, routePath).(interface{ Unwrap() []error })
	if !ok || len(blamed.Unwrap()) != mostProblems+1 || !strings.Contains(blamed.Unwrap()[mostProblems].Error(), "there are 80 more like these") {
		t.Errorf("%v", blame(err, routePath))
	}
	plain := errors.New("x")
	if got := blame(plain, routePath); !errors.Is(got, plain) {
		t.Errorf("%v", got)
	}
}

// The script that a node runs leaves the program there only when it has the checksum, and does not download it twice.
func TestInstall(t *testing.T) {
	t.Parallel()
	const program = "#!/bin/sh\necho edge\n"
	const sum = "4ea41a1e05ecc20cd6d56e7ef4f6b9ed22a8a9ecaf8d6adcc61b6f2d0b7a0a7c" // not the program's
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = w.Write([]byte(program))
	}))
	defer server.Close()
	run := func(sum, target string) (string, error) {
		script := filepath.Join(t.TempDir(), "install")
		if err := os.WriteFile(script, []byte(install(server.URL+"/a?b='c'", sum)), 0o700); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "sh", script, target).CombinedOutput()
		return string(out), err
	}
	target := filepath.Join(t.TempDir(), "massif-edge")
	if out, err := run(sum, target); err == nil || !strings.Contains(out, "is not the program with the checksum") {
		t.Errorf("a wrong program was taken: %v, %s", err, out)
	}
	if _, err := os.Stat(target); err == nil {
		t.Error("a wrong program was installed")
	}
	right := sha256Of(t, program)
	for range 2 {
		if out, err := run(right, target); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if out, err := exec.CommandContext(t.Context(), target).Output(); err != nil || string(out) != "edge\n" {
		t.Errorf("%q, %v", out, err)
	}
	if asked != 2 {
		t.Errorf("%d downloads, want the wrong one and the right one", asked)
	}
}

func sha256Of(t *testing.T, text string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "sha256sum")
	command.Stdin = strings.NewReader(text)
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	sum, _, _ := strings.Cut(string(out), " ")
	return sum
}

// User data is small, and what is secret in it lies in a file that only root reads.
func TestUserData(t *testing.T) {
	t.Parallel()
	data, err := userData(settings{Node: "n-1", AuthURL: "https://keystone", ApplicationCredentialSecret: "very-secret", ProxyProtocolFrom: []string{"10.0.0.0/24"}},
		"https://example.com/edge", strings.Repeat("0", 64))
	if err != nil {
		t.Fatal(err)
	}
	body, ok := strings.CutPrefix(string(data), "#cloud-config\n")
	if !ok || len(data) > 8<<10 {
		t.Errorf("%d bytes: %s", len(data), data)
	}
	var config struct {
		Files []struct{ Path, Permissions, Content string } `json:"write_files"`
		Run   [][]string                                    `json:"runcmd"`
	}
	if err := json.Unmarshal([]byte(body), &config); err != nil {
		t.Fatal(err)
	}
	for _, file := range config.Files {
		content, err := base64.StdEncoding.DecodeString(file.Content)
		if err != nil {
			t.Fatal(err)
		}
		if secret := strings.Contains(string(content), "very-secret"); secret != (file.Path == settingsFile) || secret && file.Permissions != "0600" {
			t.Errorf("%s with %s: secret %t", file.Path, file.Permissions, secret)
		}
	}
	if len(config.Files) != 3 || len(config.Run) != 2 {
		t.Errorf("%+v", config)
	}
}
