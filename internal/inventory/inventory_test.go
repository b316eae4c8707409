package inventory

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestObjects(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want []Object
	}{
		"enveloped":  {`{"networks": [{"id": "1", "name": "a", "description": "d", "subnets": [{"id": "9"}]}], "networks_links": []}`, []Object{{"c", "1", "a", "d"}}},
		"nested":     {`{"keypairs": [{"keypair": {"name": "k"}}]}`, []Object{{"c", "k", "k", ""}}},
		"bare":       {`[{"name": "box", "count": 0}]`, []Object{{"c", "box", "box", ""}}},
		"without":    {`{"ports": []}`, nil},
		"no content": {`null`, nil},
	} {
		var body any
		if err := json.Unmarshal([]byte(tc.body), &body); err != nil {
			t.Fatal(err)
		}
		if got := objects("c", body); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
