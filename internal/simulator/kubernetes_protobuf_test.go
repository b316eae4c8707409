package simulator

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"
)

// lengthField is a field of text, bytes or a nested message.
func lengthField(number uint64, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	out := binary.AppendUvarint(nil, number<<3|2)
	return append(binary.AppendUvarint(out, uint64(len(content))), content...)
}

func textField(number uint64, text string) []byte { return lengthField(number, []byte(text)) }

func numberField(number, value uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, number<<3), value)
}

func enveloped(apiVersion, kind string, fields ...[]byte) []byte {
	return slices.Concat([]byte("k8s\x00"), lengthField(1, textField(1, apiVersion), textField(2, kind)), lengthField(2, fields...))
}

func TestDecodeProtobuf(t *testing.T) {
	t.Parallel()
	metadata := lengthField(1, textField(1, "n"), lengthField(11, textField(1, "l"), textField(2, "v")), textField(14, "a"), textField(14, "b"))
	for want, wire := range map[string][]byte{
		`{"apiVersion":"v1","data":{"k":"dg=="},"kind":"Secret","metadata":{"finalizers":["a","b"],"labels":{"l":"v"},"name":"n"},"type":"Opaque"}`: enveloped("v1", "Secret", metadata, lengthField(2, textField(1, "k"), textField(2, "v")), textField(3, "Opaque")),
		`{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","spec":{"maxUnavailable":2,"minAvailable":"50%"}}`: enveloped("policy/v1", "PodDisruptionBudget",
			lengthField(2, lengthField(1, numberField(1, 1), textField(3, "50%")), lengthField(3, numberField(1, 0), numberField(2, 2)))),
		`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","spec":{"leaseDurationSeconds":15,"renewTime":"2026-01-02T03:04:05.000006Z"}}`: enveloped("coordination.k8s.io/v1", "Lease",
			lengthField(2, numberField(2, 15), lengthField(4, numberField(1, 1767323045), numberField(2, 6000)))),
		`{"apiVersion":"v1","dryRun":["All"],"kind":"DeleteOptions","preconditions":{"uid":"u"}}`: enveloped("v1", "DeleteOptions", lengthField(2, textField(1, "u")), textField(5, "All"), numberField(99, 7)),
	} {
		o, err := decodeProtobuf(wire)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if text, err := json.Marshal(o); err != nil || string(text) != want {
			t.Errorf("got  %s %v\nwant %s", text, err, want)
		}
		if _, err := decodeProtobuf(wire[:len(wire)-1]); err == nil {
			t.Errorf("%s: accepted without its end", want)
		}
	}
	if _, err := decodeProtobuf(enveloped("v1", "Pod")); err == nil {
		t.Error("a kind that is not in the table is accepted")
	}
}
