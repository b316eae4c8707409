package openstack

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
)

func answered(status int, body string) error {
	return fmt.Errorf("create it: %w", gophercloud.ErrUnexpectedResponseCode{
		Method: "POST", URL: "http://x/y", Actual: status, Body: []byte(body),
		ResponseHeader: http.Header{"X-Openstack-Request-Id": {"req-7"}},
	})
}

// The bodies are what the services of a Zed cloud sent.
func TestFaultOf(t *testing.T) {
	cases := map[string]struct {
		status        int
		body          string
		kind, message string
	}{
		"neutron":          {404, `{"NeutronError": {"type": "NetworkNotFound", "message": "Network 0 could not be found.", "detail": ""}}`, "NetworkNotFound", "Network 0 could not be found."},
		"neutron, text":    {500, `{"NeutronError": "Request Failed: internal server error"}`, "NeutronError", "Request Failed: internal server error"},
		"nova":             {404, `{"itemNotFound": {"code": 404, "message": "Instance 0 could not be found."}}`, "itemNotFound", "Instance 0 could not be found."},
		"cinder":           {400, `{"badRequest": {"code": 400, "message": "Invalid input"}}`, "badRequest", "Invalid input"},
		"keystone":         {401, `{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}`, "Unauthorized", "The request you have made requires authentication."},
		"octavia":          {404, `{"faultcode": "Client", "faultstring": "Load Balancer 0 not found.", "debuginfo": null}`, "Client", "Load Balancer 0 not found."},
		"glance, text":     {404, "404 Not Found\n\nNo image found with ID 0\n\n   ", "", "No image found with ID 0"},
		"glance, HTML":     {404, "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  No image found with ID 0<br /><br />\n\n\n\n </body>\n</html>", "", "No image found with ID 0"},
		"glance, JSON":     {404, `{"message": "No image found with ID 0<br /><br />\n\n\n", "code": "404 Not Found", "title": "Not Found"}`, "Not Found", "No image found with ID 0"},
		"swift":            {404, "<html><h1>Not Found</h1><p>The resource could not be found.</p></html>", "", "The resource could not be found."},
		"swift, text":      {400, "Container name length of 300 longer than 256", "", "Container name length of 300 longer than 256"},
		"heading only":     {503, "<html><h1>Service Unavailable</h1></html>", "", "Service Unavailable"},
		"barbican":         {404, `{"code": 404, "title": "Not Found", "description": "Not Found. Provided secret id is invalid."}`, "Not Found", "Not Found. Provided secret id is invalid."},
		"designate":        {404, `{"code": 404, "type": "zone_not_found", "message": "Could not find Zone", "request_id": "req-8"}`, "zone_not_found", "Could not find Zone"},
		"designate schema": {400, `{"code":400,"type":"invalid_object","message":"Provided object does not match schema.","errors":{"errors":[{"path":"ttl","message":"-1 is less than 0"}]}}`, "invalid_object", "Provided object does not match schema: ttl -1 is less than 0"},
		"placement":        {404, `{"errors": [{"status": 404, "title": "Not Found", "detail": "No resource provider"}]}`, "Not Found", "No resource provider"},
		"empty":            {502, ``, "", "Bad Gateway"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			fault, ok := FaultOf(answered(c.status, c.body))
			if !ok || fault.Kind != c.kind || fault.Message != c.message || fault.Status != c.status {
				t.Errorf("got %+v, want %q: %q", fault, c.kind, c.message)
			}
			if fault.RequestID != "req-7" || fault.Method != "POST" || fault.URL != "http://x/y" || fault.Context != "create it" {
				t.Errorf("got %+v", fault)
			}
		})
	}
	if _, ok := FaultOf(errors.New("no fault")); ok {
		t.Error("an error without a response is a fault")
	}
	renewal := fmt.Errorf("x: %w", &gophercloud.ErrUnableToReauthenticate{ErrOriginal: answered(401, ""), ErrReauth: answered(401, `{"error":{"message":"gone"}}`)})
	if fault, ok := FaultOf(renewal); !ok || fault.Message != "gone" || !Unauthorized(renewal) {
		t.Errorf("got %+v", fault)
	}
	if !NotFound(answered(404, "")) || NotFound(answered(403, "")) || NotFound(nil) || !Conflict(answered(409, "")) || !Forbidden(answered(403, "")) {
		t.Error("status predicates")
	}
}

func TestWhatAConflictMeans(t *testing.T) {
	cases := []struct {
		status           int
		kind, message    string
		busy, quota, dup bool
		used             bool
	}{
		{status: 409, message: "Load Balancer 5 is immutable and cannot be updated.", busy: true},
		{status: 409, message: "Invalid state PENDING_CREATE of loadbalancer resource 5", busy: true},
		{status: 409, kind: "conflictingRequest", message: "Cannot 'resize' instance 5 while it is in task_state resize_prep", busy: true},
		{status: 409, kind: "OverQuota", message: "Quota exceeded for resources: ['security_group_rule'].", quota: true},
		{status: 403, kind: "forbidden", message: "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances", quota: true},
		{status: 413, kind: "overLimit", message: "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.", quota: true},
		{status: 409, kind: "SecurityGroupRuleExists", message: "Security group rule already exists. Rule id is 5.", dup: true},
		{status: 409, kind: "conflictingRequest", message: "Key pair 'a' already exists.", dup: true},
		{status: 409, message: "Another Listener on this Load Balancer is already using protocol_port 80", dup: true},
		{status: 409, kind: "duplicate_zone", message: "Duplicate Zone", dup: true},
		{status: 409, kind: "SecurityGroupInUse", message: "Security Group 5 in use.", used: true},
		{status: 409, kind: "NetworkInUse", message: "Unable to complete operation on network 5. There are one or more ports still in use on the network.", used: true},
		{status: 409, kind: "SubnetInUse", message: "Unable to complete operation on subnet 5: One or more ports have an IP allocation from this subnet.", used: true},
		{status: 409, kind: "RouterInUse", message: "Router 5 still has ports", used: true},
		{status: 409, kind: "RouterInterfaceInUseByFloatingIP", message: "Router interface for subnet 5 on router 6 cannot be deleted, as it is required by one or more floating IPs.", used: true},
		{status: 400, kind: "badRequest", message: "Invalid volume: Volume status must be available or error …, but is in-use", used: true},
		{status: 409, kind: "IpAddressInUse", message: "Unable to complete operation for network 5. The IP address 10.0.0.5 is in use."},
		{status: 409, kind: "IpAddressAlreadyAllocated", message: "IP address 10.0.0.5 already allocated in subnet 6"},
		{status: 500, message: "Quota exceeded"},
	}
	for _, c := range cases {
		fault := Fault{Status: c.status, Kind: c.kind, Message: c.message}
		if c.kind == "IpAddressInUse" { // the address is in use: by somebody else's port
			if !fault.InUse() || fault.Duplicate() || fault.Immutable() {
				t.Errorf("%+v", fault)
			}
			continue
		}
		if fault.Immutable() != c.busy || fault.OverQuota() != c.quota || fault.Duplicate() != c.dup || fault.InUse() != c.used {
			t.Errorf("%s: immutable %t, quota %t, duplicate %t, in use %t", c.message, fault.Immutable(), fault.OverQuota(), fault.Duplicate(), fault.InUse())
		}
	}
}
