package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// applyPatch is the content type of a server-side apply.
const applyPatch = "application/apply-patch+yaml"

func (q *kubeRequest) patchType() string {
	kind, _, err := mime.ParseMediaType(q.request.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// patched is an object with the patch of a request.
func (q *kubeRequest) patched(o kubeObject) (kubeObject, *kubeStatus) {
	bad := func(err error) (kubeObject, *kubeStatus) {
		return nil, refuse(http.StatusBadRequest, "BadRequest", "%v", err)
	}
	switch kind := q.patchType(); kind {
	case "application/json-patch+json":
		var operations []jsonOperation
		if err := json.Unmarshal(q.body, &operations); err != nil {
			return bad(err)
		}
		var document any = map[string]any(o.clone())
		for _, operation := range operations {
			next, err := operation.apply(document)
			if err != nil {
				return nil, refuse(http.StatusUnprocessableEntity, "Invalid", "the server rejected our request due to an error in our request: %v", err)
			}
			document = next
		}
		object, ok := document.(map[string]any)
		if !ok {
			return nil, refuse(http.StatusUnprocessableEntity, "Invalid", "the patch leaves no object")
		}
		return object, nil
	case "application/merge-patch+json", "application/strategic-merge-patch+json", applyPatch:
		patch, err := decodeObject(q.body)
		if err != nil {
			return bad(err)
		}
		// An object that was read and sent back must not conflict with itself.
		next := o.clone()
		metadata := next.child("metadata")
		delete(metadata, "resourceVersion")
		next["metadata"] = map[string]any(metadata)
		merged, _ := mergePatch(map[string]any(next), map[string]any(patch.clone()), kind != "application/merge-patch+json").(map[string]any)
		return merged, nil
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "UnsupportedMediaType",
			"the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml")
	}
}

// mergePatch merges a patch: null deletes, objects are merged, all else replaces. A strategic patch merges lists of
// objects as well, by the key that tells their items apart.
func mergePatch(document, patch any, strategic bool) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out, ok := document.(map[string]any)
	if !ok || strategic && changes["$patch"] == "replace" {
		out = map[string]any{}
	}
	for key, value := range changes {
		if strategic && mergeDirective(out, key, value) {
			continue
		}
		list, isList := value.([]any)
		switch mergeKey := mergeKeyOf(key); {
		case value == nil:
			delete(out, key)
		case strategic && isList && mergeKey != "":
			current, _ := out[key].([]any)
			out[key] = mergeLists(current, list, mergeKey)
		default:
			out[key] = mergePatch(out[key], value, strategic)
		}
	}
	return out
}

// mergeDirective carries out the keys of a strategic patch that are no attributes.
func mergeDirective(out map[string]any, key string, value any) bool {
	if name, ok := strings.CutPrefix(key, "$deleteFromPrimitiveList/"); ok {
		current, _ := out[name].([]any)
		gone, _ := value.([]any)
		out[name] = slices.DeleteFunc(current, func(item any) bool { return slices.Contains(gone, item) })
		return true
	}
	return strings.HasPrefix(key, "$")
}

// mergeKeyOf is the key by which the items of a list are told apart, "" when the list is replaced.
func mergeKeyOf(list string) string {
	return map[string]string{
		"conditions": "type", "addresses": "type", "containers": "name", "initContainers": "name", "env": "name", "volumes": "name",
		"volumeMounts": "mountPath", "ports": "containerPort", "ownerReferences": "uid", "imagePullSecrets": "name",
	}[list]
}

func mergeLists(current, patch []any, key string) []any {
	out := slices.Clone(current)
	for _, item := range patch {
		change, ok := item.(map[string]any)
		if !ok {
			continue
		}
		at := slices.IndexFunc(out, func(o any) bool {
			existing, ok := o.(map[string]any)
			return ok && existing[key] == change[key]
		})
		switch {
		case change["$patch"] == "replace":
			out = []any{}
		case change["$patch"] == "delete":
			if at >= 0 {
				out = slices.Delete(out, at, at+1)
			}
		case at >= 0:
			out[at] = mergePatch(out[at], change, true)
		default:
			out = append(out, mergePatch(nil, change, true))
		}
	}
	return out
}

// jsonOperation is one operation of a JSON patch.
type jsonOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	From  string `json:"from"`
	Value any    `json:"value"`
}

func pointer(path string) []string {
	parts := strings.Split(path, "/")[1:]
	for i, part := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
	}
	return parts
}

func (o jsonOperation) apply(document any) (any, error) {
	if !strings.HasPrefix(o.Path, "/") {
		return nil, fmt.Errorf("path %q is no JSON pointer", o.Path)
	}
	switch o.Op {
	case "add", "replace", "remove":
		return changeAt(document, pointer(o.Path), o.Op, o.Value)
	case "test":
		value, err := valueAt(document, o.Path)
		wanted, _ := json.Marshal(o.Value)
		found, _ := json.Marshal(value)
		if err != nil || string(wanted) != string(found) {
			return nil, fmt.Errorf("testing value %s failed", o.Path)
		}
		return document, nil
	case "copy", "move":
		value, err := valueAt(document, o.From)
		if err != nil {
			return nil, err
		}
		if o.Op == "move" {
			if document, err = changeAt(document, pointer(o.From), "remove", nil); err != nil {
				return nil, err
			}
		}
		return changeAt(document, pointer(o.Path), "add", value)
	}
	return nil, fmt.Errorf("unexpected kind: %s", o.Op)
}

func valueAt(document any, path string) (any, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("path %q is no JSON pointer", path)
	}
	for _, part := range pointer(path) {
		switch node := document.(type) {
		case map[string]any:
			value, ok := node[part]
			if !ok {
				return nil, fmt.Errorf("nothing at %s", path)
			}
			document = value
		case []any:
			at, err := strconv.Atoi(part)
			if err != nil || at < 0 || at >= len(node) {
				return nil, fmt.Errorf("nothing at %s", path)
			}
			document = node[at]
		default:
			return nil, fmt.Errorf("nothing at %s", path)
		}
	}
	return document, nil
}

func changeAt(document any, path []string, op string, value any) (any, error) {
	key := path[0]
	switch node := document.(type) {
	case map[string]any:
		_, exists := node[key]
		switch {
		case len(path) > 1:
			child, err := changeAt(node[key], path[1:], op, value)
			if err != nil {
				return nil, err
			}
			node[key] = child
		case op != "add" && !exists:
			return nil, fmt.Errorf("%s operation does not apply: missing key %s", op, key)
		case op == "remove":
			delete(node, key)
		default:
			node[key] = value
		}
		return node, nil
	case []any:
		at, err := strconv.Atoi(key)
		if key == "-" && op == "add" {
			at, err = len(node), nil
		}
		switch {
		case err != nil || at < 0 || at > len(node) || at == len(node) && (op != "add" || len(path) > 1):
			return nil, fmt.Errorf("%s operation does not apply: bad index %s", op, key)
		case len(path) > 1:
			child, err := changeAt(node[at], path[1:], op, value)
			if err != nil {
				return nil, err
			}
			node[at] = child
			return node, nil
		case op == "add":
			return slices.Insert(node, at, value), nil
		case op == "remove":
			return slices.Delete(node, at, at+1), nil
		}
		node[at] = value
		return node, nil
	}
	return nil, fmt.Errorf("%s operation does not apply: missing path %s", op, key)
}

// encodeStringData moves stringData of a Secret to data.
func encodeStringData(secret kubeObject) {
	data := secret.child("data")
	for key, value := range secret.child("stringData") {
		data[key] = base64.StdEncoding.EncodeToString([]byte(fmt.Sprint(value)))
	}
	delete(secret, "stringData")
	secret["data"] = map[string]any(data)
	if secret["type"] == nil {
		secret["type"] = "Opaque"
	}
}

// requirement is one condition of a label selector.
type requirement struct {
	key      string
	operator string // "in", "notin", "exists" or "absent"
	values   []string
}

type labelSelector []requirement

func (s labelSelector) matches(labels map[string]string) bool {
	return !slices.ContainsFunc(s, func(r requirement) bool {
		value, exists := labels[r.key]
		switch r.operator {
		case "exists":
			return !exists
		case "absent":
			return exists
		case "notin":
			return exists && slices.Contains(r.values, value)
		}
		return !exists || !slices.Contains(r.values, value)
	})
}

// parseSelector reads a label selector such as "a=b,c in (d,e),!f".
func parseSelector(text string) (labelSelector, error) {
	selector := labelSelector{}
	depth, start := 0, 0
	parts := []string{}
	for i, r := range text + "," {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace((text + ",")[start:i]))
			start = i + 1
		}
	}
	for _, part := range parts {
		if part == "" {
			continue
		}
		r := requirement{operator: "in"}
		if key, set, ok := strings.Cut(part, "("); ok {
			fields := strings.Fields(key)
			if len(fields) != 2 || fields[1] != "in" && fields[1] != "notin" {
				return nil, fmt.Errorf("%q", part)
			}
			r.key, r.operator = fields[0], fields[1]
			for value := range strings.SplitSeq(strings.TrimSuffix(set, ")"), ",") {
				r.values = append(r.values, strings.TrimSpace(value))
			}
		} else if key, value, ok := strings.Cut(part, "!="); ok {
			r.key, r.operator, r.values = strings.TrimSpace(key), "notin", []string{strings.TrimSpace(value)}
		} else if key, value, ok := strings.Cut(strings.Replace(part, "==", "=", 1), "="); ok {
			r.key, r.values = strings.TrimSpace(key), []string{strings.TrimSpace(value)}
		} else if key, ok := strings.CutPrefix(part, "!"); ok {
			r.key, r.operator = key, "absent"
		} else {
			r.key, r.operator = part, "exists"
		}
		selector = append(selector, r)
	}
	return selector, nil
}

// selectorOf reads the selector of an object such as a PodDisruptionBudget.
func selectorOf(selector kubeObject) labelSelector {
	out := labelSelector{}
	for key, value := range selector.child("matchLabels") {
		out = append(out, requirement{key: key, operator: "in", values: []string{fmt.Sprint(value)}})
	}
	for _, expression := range kubeList(selector["matchExpressions"]) {
		r := requirement{key: fmt.Sprint(expression["key"])}
		r.operator = map[any]string{"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}[expression["operator"]]
		values, _ := expression["values"].([]any)
		for _, value := range values {
			r.values = append(r.values, fmt.Sprint(value))
		}
		out = append(out, r)
	}
	return out
}

// health is how the pods of a PodDisruptionBudget are.
type budgetHealth struct {
	current, desired, expected int
}

func (h budgetHealth) allowed() int { return max(0, h.current-h.desired) }

func (c *cluster) budgetHealth(budget kubeObject) budgetHealth {
	selector, health := selectorOf(budget.child("spec").child("selector")), budgetHealth{}
	for _, pod := range c.list("pods", budget.namespace()) {
		if !selector.matches(pod.labels()) {
			continue
		}
		health.expected++
		if pod.child("status")["phase"] == "Running" && c.ready(fmt.Sprint(pod.child("spec")["nodeName"])) {
			health.current++
		}
	}
	spec := budget.child("spec")
	switch {
	case spec["minAvailable"] != nil:
		health.desired = share(spec["minAvailable"], health.expected)
	case spec["maxUnavailable"] != nil:
		health.desired = max(0, health.expected-share(spec["maxUnavailable"], health.expected))
	}
	return health
}

// share is a count, or a percentage of a whole, rounded up.
func share(value any, whole int) int {
	if text, ok := value.(string); ok {
		percent, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
		if err != nil {
			return 0
		}
		return int(math.Ceil(float64(percent*whole) / 100))
	}
	return number(value)
}

// evict deletes a pod unless a PodDisruptionBudget forbids it.
func (q *kubeRequest) evict() (int, any, *kubeStatus) {
	if q.request.Method != http.MethodPost {
		return 0, nil, refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "the server does not allow this method on the requested resource")
	}
	pod := q.cluster.get("pods", q.namespace, q.name)
	if pod == nil {
		return 0, nil, q.kind.refuse(http.StatusNotFound, "NotFound", q.name, "not found")
	}
	for _, budget := range q.cluster.list("poddisruptionbudgets", q.namespace) {
		if !selectorOf(budget.child("spec").child("selector")).matches(pod.labels()) {
			continue
		}
		if health := q.cluster.budgetHealth(budget); health.allowed() == 0 {
			return 0, nil, &kubeStatus{
				code: http.StatusTooManyRequests, reason: "TooManyRequests",
				message: "Cannot evict pod as it would violate the pod's disruption budget.",
				details: map[string]any{"causes": []any{map[string]any{
					"reason":  "DisruptionBudget",
					"message": fmt.Sprintf("The disruption budget %s needs %d healthy pods and has %d currently", budget.name(), health.desired, health.current),
				}}},
			}
		}
	}
	var eviction struct {
		DeleteOptions struct {
			DryRun []string `json:"dryRun"`
		} `json:"deleteOptions"`
	}
	if err := json.Unmarshal(q.body, &eviction); err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "BadRequest", "%v", err)
	}
	if len(eviction.DeleteOptions.DryRun) == 0 {
		q.cluster.drop("pods", pod)
	}
	return http.StatusCreated, map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Success", "code": http.StatusCreated}, nil
}
