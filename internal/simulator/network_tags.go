package simulator

import (
	"net/http"
	"slices"
)

// tagged is the object that a tag request is about.
func (n *network) tagged(c *call, r *resource, write bool) (object, error) {
	o, ok := r.table.get(c.path("id"))
	if !ok || !r.visible(c, o) || write && !c.owns(o) {
		return nil, fail(http.StatusNotFound, "TagResourceNotFound", "Resource %s %s could not be found.", r.collection, c.path("id"))
	}
	return o, nil
}

func (n *network) listTags(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, false)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"tags": o["tags"]}, nil
}

func (n *network) replaceTags(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, true)
	if err != nil {
		return 0, nil, err
	}
	var body object
	if err := c.decode(&body); err != nil {
		return 0, nil, malformedBody()
	}
	list, ok := body["tags"].([]any)
	if !ok && body.has("tags") {
		return 0, nil, invalidInput("%s is not a list.", pythonNested(body["tags"]))
	}
	if !ok {
		return 0, nil, invalidInput("Invalid tags body.")
	}
	for at, tag := range list {
		name, ok := tag.(string)
		if !ok {
			return 0, nil, invalidInput("'%s' is not a valid string.", text(tag))
		}
		if len(name) > 255 {
			return 0, nil, invalidInput("'%s' exceeds maximum length of 255.", name)
		}
		if slices.Contains(list[:at], tag) {
			return 0, nil, invalidInput("Duplicate items in the list: '%s'.", name)
		}
	}
	tags := object{"tags": list}.strs("tags")
	n.setTags(o, tags)
	return http.StatusOK, map[string]any{"tags": list}, nil
}

// setTags stores tags in the order in which they are read back.
func (n *network) setTags(o object, tags []string) {
	slices.Sort(tags)
	o["tags"] = tags
	touch(o)
}

func (n *network) removeTags(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, true)
	if err != nil {
		return 0, nil, err
	}
	n.setTags(o, []string{})
	return http.StatusNoContent, nil, nil
}

func (n *network) showTag(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, false)
	if err != nil {
		return 0, nil, err
	}
	if !slices.Contains(o.strs("tags"), c.path("tag")) {
		return 0, nil, fail(http.StatusNotFound, "TagNotFound", "Tag %s could not be found.", c.path("tag"))
	}
	return http.StatusNoContent, nil, nil
}

func (n *network) addTag(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, true)
	if err != nil {
		return 0, nil, err
	}
	if tags := o.strs("tags"); !slices.Contains(tags, c.path("tag")) {
		n.setTags(o, append(slices.Clone(tags), c.path("tag")))
	}
	return http.StatusCreated, "null", nil
}

func (n *network) removeTag(c *call, r *resource) (int, any, error) {
	o, err := n.tagged(c, r, true)
	if err != nil {
		return 0, nil, err
	}
	tags := slices.Clone(o.strs("tags"))
	at := slices.Index(tags, c.path("tag"))
	if at < 0 {
		return 0, nil, fail(http.StatusNotFound, "TagNotFound", "Tag %s could not be found.", c.path("tag"))
	}
	n.setTags(o, slices.Delete(tags, at, at+1))
	return http.StatusNoContent, nil, nil
}
