package lookup

import (
	"strings"
	"testing"
)

type thing struct{ id, name string }

func describe(t thing) string      { return t.name }
func key(t thing) (string, string) { return t.id, t.name }
func find(s string) (thing, error) { return pick("thing", s, things(), key, describe) }
func things() []thing {
	return []thing{{"1", "small"}, {"small", "odd"}, {"3", "large"}, {"4", "twin"}, {"5", "twin"}}
}

func TestPick(t *testing.T) {
	t.Parallel()
	if found, err := find("small"); err != nil || found.name != "odd" {
		t.Errorf("an id goes before a name: %v, %v", found, err)
	}
	if found, err := find("large"); err != nil || found.id != "3" {
		t.Errorf("by name: %v, %v", found, err)
	}
	if _, err := find("huge"); err == nil || !strings.Contains(err.Error(), `there is no thing "huge"; there are: large, odd, small, twin, twin`) {
		t.Errorf("found what is not there: %v", err)
	}
	if _, err := find("twin"); err == nil || !strings.Contains(err.Error(), "2 things match") {
		t.Errorf("took one of two: %v", err)
	}
}

func TestOnly(t *testing.T) {
	t.Parallel()
	same := func(s string) string { return s }
	if got, err := Only("image", []string{"a"}, nil, same); err != nil || got != "a" {
		t.Errorf("%q, %v", got, err)
	}
	for name, tc := range map[string]struct {
		candidates, others []string
		want               string
	}{
		"several": {[]string{"b", "a"}, nil, "2 images match, where exactly one must: a, b"},
		"none":    {nil, []string{"c"}, "no image matches; there are: c"},
		"nothing": {nil, nil, "there is none at all"},
		"many":    {nil, strings.Split(strings.Repeat("x", 25), ""), "and 5 more"},
	} {
		if _, err := Only("image", tc.candidates, tc.others, same); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
