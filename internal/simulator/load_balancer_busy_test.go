package simulator

import (
	"net/http"
	"strings"
	"testing"
)

// A project whose quota is locked is answered in Octavia's words, and nothing is made.
func TestProjectBusy(t *testing.T) {
	t.Parallel()
	f := ProjectBusy(2)
	if f.Status != http.StatusServiceUnavailable || f.Count != 2 || !strings.Contains(f.Body, `"faultstring": "Project busy.  Unable to lock the project.  Please try again."`) {
		t.Errorf("%+v", f)
	}
	for _, path := range []string{"/v2/lbaas/loadbalancers", "/v2/lbaas/listeners", "/v2/lbaas/pools/x/members"} {
		s := start(t, Options{})
		if err := s.AddFault(f); err != nil {
			t.Fatal(err)
		}
		for _, want := range []bool{true, true, false} {
			if got := s.faults.match(Request{Method: http.MethodPost, Service: "load-balancer", Path: path}) != nil; got != want {
				t.Errorf("%s: busy is %v, want %v", path, got, want)
			}
		}
		if s.faults.match(Request{Method: http.MethodGet, Service: "load-balancer", Path: path}) != nil {
			t.Error("a read is busy")
		}
	}
}
