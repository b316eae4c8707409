package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
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

func TestEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		err := Empty(t.Context(), func(context.Context) ([]string, error) {
			switch asked++; asked {
			case 1:
				return nil, errors.New("busy")
			case 2:
				return []string{"a server"}, nil
			}
			return nil, nil
		})
		if err != nil || asked != 3 {
			t.Errorf("asked %d times, %v", asked, err)
		}
		err = Empty(t.Context(), func(context.Context) ([]string, error) { return []string{"a server", "a port"}, errors.New("busy") })
		if err == nil || !strings.Contains(err.Error(), "a server\n  a port") || !strings.Contains(err.Error(), "busy") {
			t.Errorf("got %v", err)
		}
	})
}
