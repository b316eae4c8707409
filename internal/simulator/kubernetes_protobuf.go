package simulator

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// protobufType is what typed clients of Kubernetes send unless they are told otherwise.
const protobufType = "application/vnd.kubernetes.protobuf"

// protoMessages says of each message that clients may send which field has which number and kind. The
// kinds "[]x" are lists, "map" and "bytemap" are maps of texts to texts or bytes.
func protoMessages() map[string]map[uint64][2]string {
	return map[string]map[uint64][2]string{
		"Unknown":  {1: {"type", "TypeMeta"}, 2: {"raw", "raw"}},
		"TypeMeta": {1: {"apiVersion", "string"}, 2: {"kind", "string"}},
		"ObjectMeta": {
			1: {"name", "string"}, 2: {"generateName", "string"}, 3: {"namespace", "string"}, 5: {"uid", "string"}, 6: {"resourceVersion", "string"},
			8: {"creationTimestamp", "Time"}, 11: {"labels", "map"}, 12: {"annotations", "map"}, 13: {"ownerReferences", "[]OwnerReference"}, 14: {"finalizers", "[]string"},
		},
		"OwnerReference": {
			1: {"kind", "string"}, 3: {"name", "string"}, 4: {"uid", "string"}, 5: {"apiVersion", "string"}, 6: {"controller", "bool"}, 7: {"blockOwnerDeletion", "bool"},
		},
		"Time": {1: {"seconds", "int"}, 2: {"nanos", "int"}}, "MicroTime": {1: {"seconds", "int"}, 2: {"nanos", "int"}},
		"IntOrString":              {1: {"type", "int"}, 2: {"intVal", "int"}, 3: {"strVal", "string"}},
		"LabelSelector":            {1: {"matchLabels", "map"}, 2: {"matchExpressions", "[]LabelSelectorRequirement"}},
		"LabelSelectorRequirement": {1: {"key", "string"}, 2: {"operator", "string"}, 3: {"values", "[]string"}},
		"DeleteOptions": {
			1: {"gracePeriodSeconds", "int"}, 2: {"preconditions", "Preconditions"}, 3: {"orphanDependents", "bool"}, 4: {"propagationPolicy", "string"}, 5: {"dryRun", "[]string"},
		},
		"Preconditions":      {1: {"uid", "string"}, 2: {"resourceVersion", "string"}},
		"Eviction":           {1: {"metadata", "ObjectMeta"}, 2: {"deleteOptions", "DeleteOptions"}},
		"Secret":             {1: {"metadata", "ObjectMeta"}, 2: {"data", "bytemap"}, 3: {"type", "string"}, 4: {"stringData", "map"}, 5: {"immutable", "bool"}},
		"ConfigMap":          {1: {"metadata", "ObjectMeta"}, 2: {"data", "map"}, 3: {"binaryData", "bytemap"}, 4: {"immutable", "bool"}},
		"Namespace":          {1: {"metadata", "ObjectMeta"}, 2: {"spec", "NamespaceSpec"}},
		"NamespaceSpec":      {1: {"finalizers", "[]string"}},
		"ServiceAccount":     {1: {"metadata", "ObjectMeta"}, 4: {"automountServiceAccountToken", "bool"}},
		"ClusterRoleBinding": {1: {"metadata", "ObjectMeta"}, 2: {"subjects", "[]Subject"}, 3: {"roleRef", "RoleRef"}},
		"RoleRef":            {1: {"apiGroup", "string"}, 2: {"kind", "string"}, 3: {"name", "string"}},
		"Subject":            {1: {"kind", "string"}, 2: {"apiGroup", "string"}, 3: {"name", "string"}, 4: {"namespace", "string"}},
		"Lease":              {1: {"metadata", "ObjectMeta"}, 2: {"spec", "LeaseSpec"}},
		"LeaseSpec": {
			1: {"holderIdentity", "string"}, 2: {"leaseDurationSeconds", "int"}, 3: {"acquireTime", "MicroTime"}, 4: {"renewTime", "MicroTime"},
			5: {"leaseTransitions", "int"}, 6: {"strategy", "string"}, 7: {"preferredHolder", "string"},
		},
		"PodDisruptionBudget": {1: {"metadata", "ObjectMeta"}, 2: {"spec", "PodDisruptionBudgetSpec"}},
		"PodDisruptionBudgetSpec": {
			1: {"minAvailable", "IntOrString"}, 2: {"selector", "LabelSelector"}, 3: {"maxUnavailable", "IntOrString"}, 4: {"unhealthyPodEvictionPolicy", "string"},
		},
		"SelfSubjectAccessReview":     {1: {"metadata", "ObjectMeta"}, 2: {"spec", "SelfSubjectAccessReviewSpec"}},
		"SelfSubjectAccessReviewSpec": {1: {"resourceAttributes", "ResourceAttributes"}, 2: {"nonResourceAttributes", "NonResourceAttributes"}},
		"ResourceAttributes": {
			1: {"namespace", "string"}, 2: {"verb", "string"}, 3: {"group", "string"}, 4: {"version", "string"}, 5: {"resource", "string"}, 6: {"subresource", "string"}, 7: {"name", "string"},
		},
		"NonResourceAttributes": {1: {"path", "string"}, 2: {"verb", "string"}},
	}
}

// decodeProtobuf reads a body of the protobuf form. Kinds that are not in the table are refused.
func decodeProtobuf(body []byte) (kubeObject, error) {
	enveloped, ok := bytes.CutPrefix(body, []byte("k8s\x00"))
	if !ok {
		return nil, errors.New("the body does not begin as Kubernetes' protobuf does")
	}
	decoder := protoDecoder{protoMessages()}
	envelope, err := decoder.message("Unknown", enveloped)
	if err != nil {
		return nil, err
	}
	header := kubeObject(envelope).child("type")
	kind, _ := header["kind"].(string)
	if decoder.messages[kind] == nil {
		return nil, fmt.Errorf("%s is understood as JSON only", kind)
	}
	raw, _ := envelope["raw"].([]byte)
	document, err := decoder.message(kind, raw)
	if err != nil {
		return nil, err
	}
	document["kind"], document["apiVersion"] = kind, header["apiVersion"]
	return document, nil
}

type protoDecoder struct {
	messages map[string]map[uint64][2]string
}

var errProtobuf = errors.New("broken protobuf")

// next reads one field: its number, and its value as a number or as bytes.
func (protoDecoder) next(data []byte) (number, value uint64, content, rest []byte, err error) {
	tag, n := binary.Uvarint(data)
	if n <= 0 {
		return 0, 0, nil, nil, errProtobuf
	}
	data = data[n:]
	switch tag & 7 {
	case 0:
		value, n = binary.Uvarint(data)
		if n <= 0 {
			return 0, 0, nil, nil, errProtobuf
		}
		return tag >> 3, value, nil, data[n:], nil
	case 1, 5:
		size := map[uint64]int{1: 8, 5: 4}[tag&7]
		if len(data) < size {
			return 0, 0, nil, nil, errProtobuf
		}
		return tag >> 3, 0, nil, data[size:], nil
	case 2:
		size, n := binary.Uvarint(data)
		if n <= 0 || uint64(len(data)-n) < size {
			return 0, 0, nil, nil, errProtobuf
		}
		return tag >> 3, 0, data[n : n+int(size)], data[n+int(size):], nil
	}
	return 0, 0, nil, nil, errProtobuf
}

func (d protoDecoder) message(name string, data []byte) (map[string]any, error) {
	fields, out := d.messages[name], map[string]any{}
	for len(data) > 0 {
		number, value, content, rest, err := d.next(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		data = rest
		key, kind := fields[number][0], fields[number][1]
		element, isList := strings.CutPrefix(kind, "[]")
		decoded, err := d.value(element, value, content)
		switch {
		case err != nil:
			return nil, err
		case key == "":
		case isList:
			list, _ := out[key].([]any)
			out[key] = append(list, decoded)
		case kind == "map" || kind == "bytemap":
			entries, ok := out[key].(map[string]any)
			if !ok {
				entries = map[string]any{}
				out[key] = entries
			}
			if entry, ok := decoded.([2]string); ok {
				entries[entry[0]] = entry[1]
			}
		case decoded != nil:
			out[key] = decoded
		}
	}
	return out, nil
}

func (d protoDecoder) value(kind string, value uint64, content []byte) (any, error) {
	switch kind {
	case "":
		return nil, nil // a field that nobody asks for
	case "string":
		return string(content), nil
	case "raw":
		return content, nil
	case "int":
		return int64(value), nil
	case "bool":
		return value != 0, nil
	case "map", "bytemap":
		return d.entry(content, kind == "bytemap")
	}
	nested, err := d.message(kind, content)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "Time", "MicroTime":
		seconds, _ := nested["seconds"].(int64)
		nanos, _ := nested["nanos"].(int64)
		if seconds == 0 {
			return nil, nil // the zero time is null
		}
		layout := map[string]string{"Time": time.RFC3339, "MicroTime": "2006-01-02T15:04:05.000000Z07:00"}[kind]
		return time.Unix(seconds, nanos).UTC().Format(layout), nil
	case "IntOrString":
		if nested["type"] == int64(1) {
			return nested["strVal"], nil
		}
		number, _ := nested["intVal"].(int64)
		return number, nil
	}
	return nested, nil
}

// entry is one entry of a map; bytes are base64 in JSON.
func (d protoDecoder) entry(data []byte, isBytes bool) (any, error) {
	var parts [2]string
	for len(data) > 0 {
		number, _, content, rest, err := d.next(data)
		if err != nil || number < 1 || number > 2 {
			return nil, errProtobuf
		}
		data, parts[number-1] = rest, string(content)
	}
	if isBytes {
		parts[1] = base64.StdEncoding.EncodeToString([]byte(parts[1]))
	}
	return parts, nil
}
