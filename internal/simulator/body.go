package simulator

import (
	"encoding/json"
	"net/http"
)

// decode reads a JSON body. What a service says of one that it cannot read is its own.
func (c *call) decode(into any) error {
	if len(c.body) == 0 && c.service.kind == "identity" {
		return nil // to Keystone the same as {}
	}
	if len(c.body) > 0 && json.Unmarshal(c.body, into) == nil {
		return nil
	}
	var whole any
	if err := json.Unmarshal(c.body, &whole); err != nil {
		return c.unreadable()
	}
	switch c.service.kind {
	case "identity":
		return fail(http.StatusBadRequest, "", "Expecting to find valid JSON in request body.%s", malformed)
	case "compute", "block-storage":
		return badRequest("%s is not of type 'object'", pythonNested(whole))
	}
	return c.unreadable()
}

// unreadable is the fault for a body that is no JSON.
func (c *call) unreadable() *fault {
	switch kind := c.service.kind; {
	case kind == "identity":
		return fail(http.StatusBadRequest, "", "Expecting to find valid JSON in request body.%s", malformed)
	case kind == "compute" && len(c.body) == 0:
		return badRequest("None is not of type 'object'")
	case kind == "block-storage" && len(c.body) == 0: // a defect of Cinder's
		return fail(http.StatusInternalServerError, "", "The server has either erred or is incapable of performing the requested operation.")
	case kind == "compute", kind == "block-storage":
		return badRequest("Malformed request body")
	case kind == "load-balancer":
		return fail(http.StatusBadRequest, "", "Request is not in valid JSON format")
	}
	return badRequest("The server could not comply with the request since it is either malformed or otherwise incorrect.")
}

// input reads a JSON body of the shape {"key": {…}}.
func (c *call) input(key string) (object, error) {
	var body object
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	in, ok := asObject(body[key])
	if ok {
		return in, nil
	}
	switch kind := c.service.kind; {
	case kind == "identity":
		return nil, fail(http.StatusBadRequest, "", "Expecting to find %s in request body.%s", key, malformed)
	case (kind == "compute" || kind == "block-storage") && !body.given(key):
		return nil, badRequest("'%s' is a required property", key)
	case kind == "compute" || kind == "block-storage":
		return nil, badField(key, body[key], pythonNested(body[key])+" is not of type 'object'")
	}
	return nil, badRequest("Unable to find '%s' in request body", key)
}
