package conformance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func TestServerLock(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	k := kit(t, s)
	n := k.compute
	id := k.server(t, "one", obj{"metadata": obj{"a": "b"}})
	path := "/servers/" + id
	// It ends before the server is deleted.
	t.Cleanup(func() { n.do(t, "POST", path+"/action", obj{"unlock": nil}) })
	k.active(t, id)
	action := func(t *testing.T, body obj) { t.Helper(); n.want(t, http.StatusAccepted, "POST", path+"/action", body) }
	n.refuses(t,
		refusal{"a field that locking does not know is 400", "POST", path + "/action", obj{"lock": obj{"colour": "red"}}, 400, "badRequest", "Additional properties are not allowed ('colour' was unexpected)"},
		refusal{"a reason that is too long is 400", "POST", path + "/action", obj{"lock": obj{"locked_reason": strings.Repeat("x", 256)}}, 400, "badRequest", "is too long"},
		refusal{"a list is 400", "POST", path + "/action", obj{"lock": list{}}, 400, "badRequest", "[] is not of type 'object', 'null'"},
	)
	action(t, obj{"lock": obj{"locked_reason": "maintenance"}})
	t.Run("the server says so, and why", func(t *testing.T) {
		is(t, "server", n.get(t, path).at("server"), obj{"locked": true, "locked_reason": "maintenance", "status": "ACTIVE"})
		same(t, "locked", n.get(t, "/servers?locked=true&name="+c.prefix).column(t, "servers", "id"), []string{id})
		same(t, "not locked", n.get(t, "/servers?locked=false&name="+c.prefix).at("servers"), list{})
		is(t, "in an older microversion", n.with("X-OpenStack-Nova-API-Version", "2.72").get(t, path).at("server"), obj{"locked": true, "locked_reason": missing})
	})
	t.Run("locking it again changes nothing", func(t *testing.T) {
		action(t, obj{"lock": obj{"locked_reason": "another"}})
		is(t, "server", n.get(t, path).at("server"), obj{"locked": true, "locked_reason": "maintenance"})
	})
	port := k.network.makePort(t, k.net, nil)["id"].(string)
	own := k.network.get(t, "/ports?device_id="+id).str(t, "ports.0.id")
	locked := func(name, method, path string, body any) refusal {
		return refusal{name + " is 409", method, path, body, 409, "conflictingRequest", "Instance " + id + " is locked"}
	}
	n.refuses(t,
		locked("stopping", "POST", path+"/action", obj{"os-stop": nil}),
		locked("starting", "POST", path+"/action", obj{"os-start": nil}),
		locked("rebooting", "POST", path+"/action", obj{"reboot": obj{"type": "SOFT"}}),
		locked("resizing", "POST", path+"/action", obj{"resize": obj{"flavorRef": k.small}}),
		locked("confirming", "POST", path+"/action", obj{"confirmResize": nil}),
		locked("reverting", "POST", path+"/action", obj{"revertResize": nil}),
		locked("rebuilding", "POST", path+"/action", obj{"rebuild": obj{"imageRef": k.image}}),
		locked("adding metadata", "POST", path+"/metadata", obj{"metadata": obj{"c": "d"}}),
		locked("replacing metadata", "PUT", path+"/metadata", obj{"metadata": obj{"c": "d"}}),
		locked("removing metadata", "DELETE", path+"/metadata/a", nil),
		locked("attaching a port", "POST", path+"/os-interface", obj{"interfaceAttachment": obj{"port_id": port}}),
		locked("detaching a port", "DELETE", path+"/os-interface/"+own, nil),
		locked("deleting", "DELETE", path, nil),
	)
	t.Run("name and tags change, and the console is read", func(t *testing.T) {
		n.want(t, http.StatusOK, "PUT", path, obj{"server": obj{"name": c.name("renamed")}})
		n.want(t, http.StatusOK, "PUT", path+"/tags", obj{"tags": list{"x"}})
		n.want(t, http.StatusNoContent, "DELETE", path+"/tags", nil)
		n.want(t, http.StatusOK, "POST", path+"/action", obj{"os-getConsoleOutput": obj{"length": 1}})
	})
	t.Run("unlocking ends it, twice does no harm", func(t *testing.T) {
		action(t, obj{"unlock": nil})
		action(t, obj{"unlock": nil})
		is(t, "server", n.get(t, path).at("server"), obj{"locked": false, "locked_reason": nil})
		n.want(t, http.StatusNoContent, "DELETE", path+"/metadata/a", nil)
	})
	n.refuses(t,
		refusal{"an action without a body is 400", "POST", path + "/action", nil, 400, "badRequest", "Malformed request body"},
		refusal{"two actions are 400", "POST", path + "/action", obj{"lock": nil, "unlock": nil}, 400, "badRequest", "Malformed request body"},
		refusal{"a reboot of no type is 400", "POST", path + "/action", obj{"reboot": obj{}}, 400, "badRequest", "'type' is a required property"},
		refusal{"a reboot without an object is 400", "POST", path + "/action", obj{"reboot": nil}, 400, "badRequest", "Value: None. None is not of type 'object'"},
	)
}
