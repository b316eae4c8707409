package conformance

import (
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

// Bodies that are missing, no JSON or something else than the call takes.
func TestBodies(t *testing.T) {
	c := open(t, simulator.Options{})
	s := c.login(t)
	const broken = `{"a":`
	t.Run("network", func(t *testing.T) {
		n := s.network(t).with("Content-Type", "application/json")
		id := n.makeNetwork(t, "net")
		group := n.make(t, "/security-groups", "security_group", obj{"name": c.name("group")})["id"].(string)
		for collection, noun := range map[string]string{"/networks": "network", "/subnets": "subnet", "/ports": "port"} {
			absent := "Unable to find '" + noun + "' in request body"
			n.refuses(t,
				refusal{collection + ", none", "POST", collection, nil, 400, "HTTPBadRequest", absent},
				refusal{collection + ", no JSON", "POST", collection, broken, 400, "HTTPBadRequest", "Body contains invalid data"},
				refusal{collection + ", a list", "POST", collection, "[]", 400, "HTTPBadRequest", "Body contains invalid data"},
				refusal{collection + ", empty", "POST", collection, "{}", 400, "HTTPBadRequest", absent},
				refusal{collection + ", null", "POST", collection, obj{noun: nil}, 400, "HTTPBadRequest", absent},
				refusal{collection + ", text", "POST", collection, obj{noun: "x"}, 400, "HTTPBadRequest", "Object '" + noun + "' contains invalid data"},
				refusal{collection + ", several of none", "POST", collection, obj{noun + "s": list{}}, 400, "HTTPBadRequest", "Resources required"},
				refusal{collection + ", several, no list", "POST", collection, obj{noun + "s": obj{}}, 400, "HTTPBadRequest", "Resources required"},
				refusal{collection + ", several texts", "POST", collection, obj{noun + "s": list{"a"}}, 400, "HTTPBadRequest", "Object '" + noun + "' contains invalid data"},
			)
		}
		for _, collection := range []string{"/routers", "/security-groups", "/security-group-rules", "/floatingips", "/subnetpools"} {
			n.refuses(t,
				refusal{collection + ", none", "POST", collection, nil, 400, "HTTPBadRequest", "Resource body required"},
				refusal{collection + ", no JSON", "POST", collection, broken, 400, "MalformedRequestBody", "Malformed request body: Cannot understand JSON."},
				refusal{collection + ", empty", "POST", collection, "{}", 400, "HTTPBadRequest", "Resource body required"},
			)
		}
		n.refuses(t,
			refusal{"update of a network, none", "PUT", "/networks/" + id, nil, 400, "HTTPBadRequest", "Unable to find 'network' in request body"},
			refusal{"update of a network, no JSON", "PUT", "/networks/" + id, broken, 400, "HTTPBadRequest", "Body contains invalid data"},
			refusal{"update of a group, none", "PUT", "/security-groups/" + group, nil, 400, "BadRequest", "Bad body request: Invalid format: b''."},
			refusal{"update of a group, no JSON", "PUT", "/security-groups/" + group, broken, 400, "MalformedRequestBody", "Cannot understand JSON."},
			refusal{"update of a group, empty", "PUT", "/security-groups/" + group, "{}", 400, "HTTPBadRequest", "Resource body required"},
			refusal{"tags, empty", "PUT", "/networks/" + id + "/tags", "{}", 400, "InvalidInput", "Invalid tags body."},
			refusal{"tags, text", "PUT", "/networks/" + id + "/tags", obj{"tags": "x"}, 400, "InvalidInput", "'x' is not a list."},
			refusal{"tags, no JSON", "PUT", "/networks/" + id + "/tags", broken, 400, "MalformedRequestBody", "Cannot understand JSON."},
		)
		router := n.make(t, "/routers", "router", obj{"name": c.name("router")})["id"].(string)
		n.refuses(t,
			refusal{"interface, none", "PUT", "/routers/" + router + "/add_router_interface", nil, 400, "BadRequest", "Either subnet_id or port_id must be specified."},
			refusal{"interface, no JSON", "PUT", "/routers/" + router + "/add_router_interface", broken, 400, "MalformedRequestBody", "Cannot understand JSON."},
		)
	})
	t.Run("compute", func(t *testing.T) {
		n := s.compute(t).with("Content-Type", "application/json")
		for collection, noun := range map[string]string{"/servers": "server", "/os-keypairs": "keypair", "/os-server-groups": "server_group"} {
			n.refuses(t,
				refusal{collection + ", none", "POST", collection, nil, 400, "badRequest", "None is not of type 'object'"},
				refusal{collection + ", no JSON", "POST", collection, broken, 400, "badRequest", "Malformed request body"},
				refusal{collection + ", a list", "POST", collection, "[]", 400, "badRequest", "[] is not of type 'object'"},
				refusal{collection + ", text", "POST", collection, `"x"`, 400, "badRequest", "'x' is not of type 'object'"},
				refusal{collection + ", empty", "POST", collection, "{}", 400, "badRequest", "'" + noun + "' is a required property"},
				refusal{collection + ", null", "POST", collection, obj{noun: nil}, 400, "badRequest", "Invalid input for field/attribute " + noun + ". Value: None. None is not of type 'object'"},
			)
		}
	})
	t.Run("volume", func(t *testing.T) {
		v := s.volume(t).with("Content-Type", "application/json")
		v.refuses(t,
			refusal{"none", "POST", "/volumes", nil, 500, "computeFault", "The server has either erred"},
			refusal{"no JSON", "POST", "/volumes", broken, 400, "badRequest", "Malformed request body"},
			refusal{"a list", "POST", "/volumes", "[]", 400, "badRequest", "[] is not of type 'object'"},
			refusal{"empty", "POST", "/volumes", "{}", 400, "badRequest", "'volume' is a required property"},
		)
	})
	t.Run("load balancer", func(t *testing.T) {
		l := s.loadBalancer(t).with("Content-Type", "application/json")
		for _, collection := range []string{"/loadbalancers", "/listeners", "/pools"} {
			l.refuses(t, refusal{collection + ", no JSON", "POST", collection, broken, 400, "Client", "Request is not in valid JSON format"})
		}
	})
	t.Run("identity", func(t *testing.T) {
		a := s.auth.with("Content-Type", "application/json")
		const noJSON = "Expecting to find valid JSON in request body."
		credentials := "/users/" + s.userID + "/application_credentials"
		keys := "/users/" + s.userID + "/credentials/OS-EC2"
		a.refuses(t,
			refusal{"token, none", "POST", "/auth/tokens", nil, 400, "", "Expecting to find auth in request body."},
			refusal{"token, no JSON", "POST", "/auth/tokens", broken, 400, "", noJSON},
			refusal{"token, a list", "POST", "/auth/tokens", "[]", 400, "", noJSON},
			refusal{"token, empty", "POST", "/auth/tokens", "{}", 400, "", "Expecting to find auth in request body."},
			refusal{"application credential, none", "POST", credentials, nil, 400, "", "'name' is a required property"},
			refusal{"application credential, no JSON", "POST", credentials, broken, 400, "", noJSON},
			refusal{"application credential, empty", "POST", credentials, "{}", 400, "", "'name' is a required property"},
			refusal{"EC2 credential, none", "POST", keys, nil, 404, "", "Could not find project: None."},
			refusal{"EC2 credential, no JSON", "POST", keys, broken, 400, "", noJSON},
		)
	})
}
