package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func TestParseTimes(t *testing.T) {
	realistic := simulator.Realistic()
	realistic.ServerBoot = 3 * time.Second
	for _, test := range []struct {
		list string
		want simulator.Times
	}{
		{"", simulator.Times{}},
		{"fast", simulator.Times{}},
		{"realistic", simulator.Realistic()},
		{"realistic,server_boot=3s", realistic},
		{"server_boot=3s, load_balancer=250ms", simulator.Times{ServerBoot: 3 * time.Second, LoadBalancer: 250 * time.Millisecond}},
	} {
		got, err := parseTimes(test.list)
		if err != nil || got != test.want {
			t.Errorf("%q: %+v, %v", test.list, got, err)
		}
	}
	for _, list := range []string{"slow", "server_boot=soon", "lunch=1h"} {
		if _, err := parseTimes(list); err == nil {
			t.Errorf("%q: no error", list)
		}
	}
}

func TestArgumentsThatAreWrong(t *testing.T) {
	for _, arguments := range [][]string{{"extra"}, {"-latency", "soon"}, {"-times", "slow"}, {"-public", "x"}, {"-listen", "nowhere"}, {"-clouds", t.TempDir()}} {
		if err := run(t.Context(), arguments, io.Discard, io.Discard); err == nil {
			t.Errorf("%v: no error", arguments)
		}
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

// output is a buffer that is written and read at the same time.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

func TestRunsUntilInterrupted(t *testing.T) {
	dir := t.TempDir()
	clouds, state := filepath.Join(dir, "clouds.yaml"), filepath.Join(dir, "state.json")
	ctx, cancel := context.WithCancel(t.Context())
	var out, logs output
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-clouds", clouds, "-state", state, "-v"}, &out, &logs)
	}()
	url := ""
	for end := time.Now().Add(time.Minute); url == "" && time.Now().Before(end); time.Sleep(time.Millisecond) {
		if match := regexp.MustCompile(`(http://\S+)/identity/v3`).FindStringSubmatch(out.String()); match != nil {
			url = match[1]
		}
	}
	if !strings.Contains(out.String(), "OS_CLIENT_CONFIG_FILE="+clouds) {
		t.Errorf("no instructions: %s", out.String())
	}
	text, err := os.ReadFile(clouds)
	if err != nil || !strings.Contains(string(text), url+"/identity/v3") {
		t.Errorf("clouds.yaml: %s, %v", text, err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/identity/v3", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Errorf("identity answers %s", response.Status)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("does not end")
	}
	if !strings.Contains(logs.String(), "path=/v3") {
		t.Errorf("log: %s", logs.String())
	}
	if _, err := os.Stat(state); err != nil {
		t.Error(err)
	}
}
