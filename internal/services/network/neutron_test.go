package network

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

func refused(status int, kind, message string) error {
	return gophercloud.ErrUnexpectedResponseCode{
		Method: "DELETE", URL: "http://x", Actual: status, Body: []byte(`{"NeutronError": {"type": "` + kind + `", "message": "` + message + `"}}`),
	}
}

func TestDeleteUnused(t *testing.T) {
	busy := refused(409, "NetworkInUse", "There are one or more ports still in use on the network.")
	// answers are given one after the other, the last one for ever.
	remove := func(answers ...error) func(context.Context) error {
		return func(context.Context) error {
			answer := answers[0]
			if len(answers) > 1 {
				answers = answers[1:]
			}
			return answer
		}
	}
	users := func(context.Context) ([]string, error) { return []string{"port 5 of compute:nova 7"}, nil }
	synctest.Test(t, func(t *testing.T) {
		if err := deleteUnused(t.Context(), "it", remove(nil), users); err != nil {
			t.Error(err)
		}
		if err := deleteUnused(t.Context(), "it", remove(refused(404, "NetworkNotFound", "gone")), users); !openstack.NotFound(err) {
			t.Errorf("got %v", err)
		}
		begin := time.Now()
		if err := deleteUnused(t.Context(), "it", remove(busy, busy, nil), users); err != nil || time.Since(begin) > 2*time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		if err := deleteUnused(t.Context(), "it", remove(busy, refused(404, "NetworkNotFound", "gone")), users); !openstack.NotFound(err) {
			t.Errorf("got %v", err)
		}
		err := deleteUnused(t.Context(), "network a", remove(busy), users)
		fault, ok := openstack.FaultOf(err)
		if !ok || fault.Kind != "NetworkInUse" || fault.Context != "network a is still used by port 5 of compute:nova 7" {
			t.Errorf("got %v", err)
		}
		unknown := func(context.Context) ([]string, error) { return nil, errors.New("forbidden") }
		if err := deleteUnused(t.Context(), "network a", remove(busy), unknown); !inUse(err) {
			t.Errorf("got %v", err)
		}
		if err := deleteUnused(t.Context(), "it", remove(busy, refused(403, "PolicyNotAuthorized", "no")), users); !openstack.Forbidden(err) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := deleteUnused(ctx, "it", remove(busy), users); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "port 5") {
			t.Errorf("got %v", err)
		}
	})
}

func TestDescribePort(t *testing.T) {
	p := apiPort{ID: "1", Name: "eth0", DeviceOwner: "compute:nova", DeviceID: "2"}
	if got := p.describe(); got != "port 1 (eth0) of compute:nova 2" {
		t.Error(got)
	}
	if p.routerInterface() || !(apiPort{DeviceOwner: "network:router_interface_distributed"}).routerInterface() {
		t.Error("router interfaces")
	}
}
