package fleet

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// Nova has been seen to list a deleted server for two seconds, long enough for what waited for its end to come next.
func TestDeletedServersAreInNoFleet(t *testing.T) {
	nova := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"servers": [
			{"id": "1", "name": "one", "status": "ACTIVE"}, {"id": "2", "name": "two", "status": "DELETED"},
			{"id": "3", "name": "three", "status": "SOFT_DELETED"}, {"id": "4", "name": "four", "status": "ERROR"}]}`)
	}))
	defer nova.Close()
	client := &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: nova.URL + "/"}
	all, err := listServers(t.Context(), client, servers.ListOpts{Tags: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if got := Names(all); !slices.Equal(got, []string{"four", "one"}) {
		t.Errorf("got %v", got)
	}
}

func TestState(t *testing.T) {
	if got := State(servers.Server{Status: "ERROR", TaskState: "deleting"}); got != "ERROR, deleting" {
		t.Errorf("got %q", got)
	}
	if got := State(servers.Server{Status: "ERROR"}); got != "ERROR" {
		t.Errorf("got %q", got)
	}
}
