package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kubeObject is an object of the Kubernetes API as it looks on the wire. Objects in the store are never
// changed in place, so that watchers can hold them.
type kubeObject map[string]any

func (o kubeObject) child(key string) kubeObject {
	switch child := o[key].(type) {
	case map[string]any:
		return child
	case kubeObject:
		return child
	}
	return kubeObject{}
}

func (o kubeObject) meta(key string) string {
	value, _ := o.child("metadata")[key].(string)
	return value
}

func (o kubeObject) name() string      { return o.meta("name") }
func (o kubeObject) namespace() string { return o.meta("namespace") }
func (o kubeObject) uid() string       { return o.meta("uid") }

func (o kubeObject) labels() map[string]string {
	labels := map[string]string{}
	for key, value := range o.child("metadata").child("labels") {
		labels[key] = fmt.Sprint(value)
	}
	return labels
}

func (o kubeObject) ownedBy(owner kubeObject) bool {
	return slices.ContainsFunc(kubeList(o.child("metadata")["ownerReferences"]), func(ref kubeObject) bool { return ref["uid"] == owner.uid() })
}

func (o kubeObject) clone() kubeObject {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // nothing but JSON values is kept in objects
	}
	var other kubeObject
	if err := json.Unmarshal(text, &other); err != nil {
		panic(err)
	}
	return other
}

// kubeList are the objects of a list.
func kubeList(value any) []kubeObject {
	list, _ := value.([]any)
	objects := []kubeObject{}
	for _, item := range list {
		switch item := item.(type) {
		case map[string]any:
			objects = append(objects, item)
		case kubeObject:
			objects = append(objects, item)
		}
	}
	return objects
}

// kubeEvent is one change, as watchers get it.
type kubeEvent struct {
	kind     string // ADDED, MODIFIED or DELETED
	resource string
	revision int64
	object   kubeObject
	before   kubeObject // nil when it is new
}

// watcher is one open watch.
type watcher struct {
	events chan kubeEvent
}

// Bounds of what is kept for watchers.
const (
	historyLength = 2000
	watcherBuffer = 500
)

func storeKey(resource, namespace, name string) string {
	return resource + "/" + namespace + "/" + name
}

func (c *cluster) get(resource, namespace, name string) kubeObject {
	return c.Objects[storeKey(resource, namespace, name)]
}

// list are the objects of a resource in a namespace, or in all of them, by namespace and name.
func (c *cluster) list(resource, namespace string) []kubeObject {
	prefix := resource + "/"
	if namespace != "" {
		prefix += namespace + "/"
	}
	keys := []string{}
	for key := range c.Objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	objects := []kubeObject{}
	for _, key := range keys {
		objects = append(objects, c.Objects[key])
	}
	return objects
}

// put stores an object, new or changed, and tells the watchers.
func (c *cluster) put(resource, namespace string, o kubeObject) kubeObject {
	o = o.clone()
	metadata := o.child("metadata")
	key := storeKey(resource, namespace, o.name())
	before, kind := c.Objects[key], "ADDED"
	if before != nil {
		kind = "MODIFIED"
		metadata["uid"], metadata["creationTimestamp"] = before.uid(), before.meta("creationTimestamp")
	} else {
		metadata["uid"], metadata["creationTimestamp"] = newUUID(), now()
	}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	c.Revision++
	metadata["resourceVersion"] = strconv.FormatInt(c.Revision, 10)
	o["metadata"] = map[string]any(metadata)
	c.Objects[key] = o
	c.tell(kubeEvent{kind, resource, c.Revision, o, before})
	return o
}

// drop deletes an object and tells the watchers.
func (c *cluster) drop(resource string, o kubeObject) {
	delete(c.Objects, storeKey(resource, o.namespace(), o.name()))
	c.Revision++
	gone := o.clone()
	metadata := gone.child("metadata")
	metadata["resourceVersion"] = strconv.FormatInt(c.Revision, 10)
	gone["metadata"] = map[string]any(metadata)
	c.tell(kubeEvent{"DELETED", resource, c.Revision, gone, o})
	switch resource {
	case "pods":
		c.kubernetes.sim.after(0, c.reconcileReplicaSets)
	case "nodes":
		// The garbage collector removes the pods of a node that is gone.
		for _, pod := range c.list("pods", "") {
			if pod.child("spec")["nodeName"] == o.name() {
				c.drop("pods", pod)
			}
		}
		if lease := c.get("leases", "kube-node-lease", o.name()); lease != nil {
			c.drop("leases", lease)
		}
	case "namespaces":
		for _, kind := range kubeKinds() {
			for _, child := range c.list(kind.plural, o.name()) {
				c.drop(kind.plural, child)
			}
		}
	}
}

func (c *cluster) tell(event kubeEvent) {
	c.history = append(c.history, event)
	if len(c.history) > historyLength {
		c.history = slices.Delete(c.history, 0, historyLength/2)
	}
	for w := range c.watchers {
		select {
		case w.events <- event:
		default:
			// A watcher that does not read must list again.
			close(w.events)
			delete(c.watchers, w)
		}
	}
}

// applyManifest stores what a file of server/manifests holds. Kinds that the API does not know are left out.
func (c *cluster) applyManifest(manifest string) {
	decoder := yaml.NewDecoder(strings.NewReader(manifest))
	for {
		var document map[string]any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			return // the distribution logs it and goes on, too
		}
		o := kubeObject(document)
		for _, kind := range kubeKinds() {
			if kind.kind == o["kind"] && kind.apiVersion() == o["apiVersion"] {
				namespace := ""
				if kind.namespaced {
					namespace = o.namespace()
					if namespace == "" {
						namespace = "default"
					}
				}
				if text, err := json.Marshal(document); err == nil && json.Valid(text) {
					c.put(kind.plural, namespace, o)
				}
			}
		}
	}
}

// decodeObject reads JSON or YAML.
func decodeObject(text []byte) (kubeObject, error) {
	var o kubeObject
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		err := json.Unmarshal(text, &o)
		return o, err
	}
	var document map[string]any
	err := yaml.Unmarshal(text, &document)
	return document, err
}
