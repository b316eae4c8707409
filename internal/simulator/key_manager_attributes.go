package simulator

import (
	"net/http"
	"slices"
	"strings"
)

func (k *keyManager) getACL(c *call) (int, any, error) {
	secret, err := k.owned(c, "SecretACL(s) retrieval")
	if err != nil {
		return 0, nil, err
	}
	read := object{"project-access": secret["_project_access"] != false}
	if secret.given("_acl_created") {
		read["users"], read["created"], read["updated"] = secret.strs("_read_users"), secret["_acl_created"], secret["updated"]
	}
	return http.StatusOK, object{"read": read}, nil
}

// putACL replaces the access list: what is not said gets its default.
func (k *keyManager) putACL(c *call) (int, any, error) {
	return k.changeACL(c, true)
}

// patchACL changes what the body names.
func (k *keyManager) patchACL(c *call) (int, any, error) {
	return k.changeACL(c, false)
}

func (k *keyManager) changeACL(c *call, replace bool) (int, any, error) {
	secret, err := k.owned(c, "SecretACL(s) Update")
	if err != nil {
		return 0, nil, err
	}
	in, err := k.body(c)
	if err != nil {
		return 0, nil, err
	}
	for key := range in {
		if key != "read" {
			return 0, nil, mismatch("ACL", "None", "Additional properties are not allowed ('%s' was unexpected)", key)
		}
	}
	read := in.obj("read")
	if _, ok := read["users"].([]any); read.has("users") && !ok {
		return 0, nil, mismatch("ACL", "read", "'%v' is not of type 'array'", read["users"])
	}
	if _, ok := read["project-access"].(bool); read.has("project-access") && !ok {
		return 0, nil, mismatch("ACL", "read", "'%v' is not of type 'boolean'", read["project-access"])
	}
	now := keyManagerNow()
	if replace {
		k.forgetACL(secret)
	}
	if len(read) > 0 {
		if !secret.given("_acl_created") {
			secret["_acl_created"] = now
		}
		if read.has("users") {
			users := read.strs("users")
			slices.Sort(users)
			secret["_read_users"] = slices.Compact(users)
		}
		if read.has("project-access") {
			secret["_project_access"] = read.flag("project-access")
		}
	}
	secret["updated"] = now
	return http.StatusOK, object{"acl_ref": c.url("/v1/secrets/" + secret.str("id") + "/acl")}, nil
}

func (k *keyManager) forgetACL(secret object) {
	for _, key := range []string{"_acl_created", "_read_users", "_project_access"} {
		delete(secret, key)
	}
}

func (k *keyManager) deleteACL(c *call) (int, any, error) {
	secret, err := k.owned(c, "SecretACL(s) deletion")
	if err != nil {
		return 0, nil, err
	}
	k.forgetACL(secret)
	c.header.Set("Content-Type", "application/json")
	return http.StatusOK, "null", nil
}

func (k *keyManager) getMetadata(c *call) (int, any, error) {
	secret, err := k.readable(c, "Secret metadata retrieval")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, object{"metadata": k.metadata(secret)}, nil
}

// metadata is what users have said about a secret, which can be changed in place.
func (k *keyManager) metadata(secret object) object {
	metadata := secret.obj("_metadata")
	if metadata == nil {
		metadata = object{}
		secret["_metadata"] = metadata
	}
	return metadata
}

func (k *keyManager) putMetadata(c *call) (int, any, error) {
	secret, err := k.owned(c, "Secret metadata creation")
	if err != nil {
		return 0, nil, err
	}
	in, err := k.body(c)
	if err != nil {
		return 0, nil, err
	}
	if !in.given("metadata") {
		return 0, nil, mismatch("SecretMetadata", "metadata", "'metadata' is a required property")
	}
	metadata := object{}
	for key, value := range in.obj("metadata") {
		text, ok := value.(string)
		if !ok {
			return 0, nil, fail(http.StatusBadRequest, "", "Invalid Metadata. Keys and Values must be Strings.")
		}
		metadata[strings.ToLower(key)] = text
	}
	secret["_metadata"] = metadata
	return http.StatusCreated, object{"metadata_ref": c.url("/v1/secrets/" + secret.str("id") + "/metadata")}, nil
}

func (k *keyManager) addMetadatum(c *call) (int, any, error) {
	secret, err := k.owned(c, "Secret metadatum creation")
	if err != nil {
		return 0, nil, err
	}
	in, err := k.body(c)
	if err != nil {
		return 0, nil, err
	}
	key := strings.ToLower(in.str("key"))
	metadata := k.metadata(secret)
	if metadata.given(key) {
		return 0, nil, fail(http.StatusConflict, "", "Conflict. Key in request is already in the secret metadata")
	}
	metadata[key] = in.str("value")
	c.header.Set("Location", c.url("/v1/secrets/"+secret.str("id")+"/metadata/"+key))
	return http.StatusCreated, object{"key": key, "value": in.str("value")}, nil
}

func (k *keyManager) getMetadatum(c *call) (int, any, error) {
	secret, err := k.readable(c, "Secret metadatum retrieval")
	if err != nil {
		return 0, nil, err
	}
	metadata, key := k.metadata(secret), c.path("key")
	if !metadata.given(key) {
		return 0, nil, fail(http.StatusNotFound, "", "Secret metadata not found.")
	}
	return http.StatusOK, object{"key": key, "value": metadata[key]}, nil
}

func (k *keyManager) putMetadatum(c *call) (int, any, error) {
	secret, err := k.owned(c, "Secret metadatum update")
	if err != nil {
		return 0, nil, err
	}
	in, err := k.body(c)
	if err != nil {
		return 0, nil, err
	}
	metadata, key := k.metadata(secret), c.path("key")
	if !metadata.given(key) {
		return 0, nil, fail(http.StatusNotFound, "", "Secret metadata not found.")
	}
	metadata[key] = in.str("value")
	return http.StatusOK, object{"key": key, "value": metadata[key]}, nil
}

func (k *keyManager) deleteMetadatum(c *call) (int, any, error) {
	secret, err := k.owned(c, "Secret metadatum removal")
	if err != nil {
		return 0, nil, err
	}
	delete(k.metadata(secret), c.path("key"))
	return http.StatusNoContent, nil, nil
}

func (k *keyManager) listConsumers(c *call) (int, any, error) {
	secret, err := k.owned(c, "SecretConsumers(s) retrieval")
	if err != nil {
		return 0, nil, err
	}
	page, body := c.offsetPage(secret.objs("_consumers"))
	body["consumers"] = page
	return http.StatusOK, body, nil
}

func (k *keyManager) addConsumer(c *call) (int, any, error) {
	secret, err := k.owned(c, "SecretConsumer creation")
	if err != nil {
		return 0, nil, err
	}
	in, err := k.body(c)
	if err != nil {
		return 0, nil, err
	}
	now := keyManagerNow()
	consumer := object{"created": now, "updated": now, "status": "ACTIVE"}
	for _, key := range []string{"service", "resource_type", "resource_id"} {
		if in.str(key) == "" {
			return 0, nil, mismatch("Secret Consumer", key, "'%s' is a required property", key)
		}
		consumer[key] = in.str(key)
	}
	secret["_consumers"] = append(secret.objs("_consumers"), consumer)
	view := k.view(c, secret)
	view["consumers"] = []any{object{"service": in["service"], "resource_type": in["resource_type"], "resource_id": in["resource_id"]}}
	return http.StatusOK, view, nil
}

// lend lets the load balancer service read what a listener refers to, a secret or a container of some: the service enters its own user in
// the access list.
func (k *keyManager) lend(ref string) {
	id := ref[strings.LastIndex(ref, "/")+1:]
	if container, ok := k.Containers.get(id); ok {
		for _, o := range container.objs("secret_refs") {
			k.lend(o.str("secret_ref"))
		}
		return
	}
	secret, ok := k.Secrets.get(id)
	user := stableID("octavia")
	if !ok || slices.Contains(secret.strs("_read_users"), user) {
		return
	}
	secret["_read_users"] = append(secret.strs("_read_users"), user)
	if !secret.given("_acl_created") {
		secret["_acl_created"] = keyManagerNow()
	}
}
