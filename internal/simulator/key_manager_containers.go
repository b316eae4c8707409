package simulator

import (
	"net/http"
	"slices"
	"strings"
)

var containerTypes = []string{"generic", "rsa", "certificate"}

func (k *keyManager) createContainer(c *call) (int, any, error) {
	if !k.member(c) {
		return 0, nil, notAllowed("Container creation")
	}
	in, err := k.body(c)
	if err != nil {
		return 0, nil, err
	}
	if !in.given("type") {
		return 0, nil, mismatch("Container", "None", "'type' is a required property")
	}
	kind := in.str("type")
	if !slices.Contains(containerTypes, kind) {
		return 0, nil, mismatch("Container", "type", "'%s' is not one of ['%s']", kind, strings.Join(containerTypes, "', '"))
	}
	names := []string{}
	refs := []object{}
	for _, ref := range in.objs("secret_refs") {
		if slices.Contains(names, ref.str("name")) {
			return 0, nil, mismatch("Container", "secret_refs", "Duplicate reference names are not allowed")
		}
		names = append(names, ref.str("name"))
		secret, ok := k.Secrets.get(ref.str("secret_ref")[strings.LastIndex(ref.str("secret_ref"), "/")+1:])
		if !ok || secret.str("project_id") != c.project() {
			return 0, nil, fail(http.StatusNotFound, "", "Secret provided for '%s' doesn't exist.", ref.str("name"))
		}
		refs = append(refs, object{"name": ref["name"], "secret_ref": c.url("/v1/secrets/" + secret.str("id"))})
	}
	if kind == "certificate" && len(names) > 0 && !slices.Contains(names, "certificate") {
		return 0, nil, mismatch("Container", "secret_refs", "The minimum required reference name is 'certificate' for Certificate type")
	}
	now := keyManagerNow()
	container := k.sim.add(&k.Containers, object{
		"created": now, "updated": now, "status": "ACTIVE", "name": in["name"], "type": kind, "creator_id": c.token.User,
		"project_id": c.project(), "secret_refs": refs, "consumers": []any{},
	})
	ref := c.url("/v1/containers/" + container.str("id"))
	c.header.Set("Location", ref)
	return http.StatusCreated, object{"container_ref": ref}, nil
}

func (k *keyManager) containerView(c *call, container object) object {
	out := object{"container_ref": c.url("/v1/containers/" + container.str("id"))}
	for key, value := range container {
		if key != "id" && key != "project_id" {
			out[key] = value
		}
	}
	return out
}

func (k *keyManager) listContainers(c *call) (int, any, error) {
	if !k.member(c) {
		return 0, nil, notAllowed("Containers(s) retrieval")
	}
	page, body := c.offsetPage(k.Containers.where(func(o object) bool { return o.str("project_id") == c.project() }))
	views := []object{}
	for _, container := range page {
		views = append(views, k.containerView(c, container))
	}
	body["containers"] = views
	return http.StatusOK, body, nil
}

func (k *keyManager) container(c *call, what string) (object, error) {
	if !uuid4.MatchString(c.path("container")) {
		return nil, fail(http.StatusNotFound, "", "Not Found. Provided container id is invalid.")
	}
	container, ok := k.Containers.get(c.path("container"))
	if !ok {
		return nil, fail(http.StatusNotFound, "", "Secrets container not found.")
	}
	if container.str("project_id") != c.project() || !k.member(c) {
		return nil, notAllowed(what)
	}
	return container, nil
}

func (k *keyManager) getContainer(c *call) (int, any, error) {
	container, err := k.container(c, "Container retrieval")
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, k.containerView(c, container), nil
}

func (k *keyManager) deleteContainer(c *call) (int, any, error) {
	container, err := k.container(c, "Container deletion")
	if err != nil {
		return 0, nil, err
	}
	delete(k.Containers, container.str("id"))
	return http.StatusNoContent, nil, nil
}
