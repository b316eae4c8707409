package kubernetes

import (
	"strings"
	"testing"
)

func version(t *testing.T, text string) Version {
	t.Helper()
	parsed, err := ParseVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestParseVersion(t *testing.T) {
	for _, text := range []string{"v1.34.1+rke2r1", "v1.34.1+k3s1", "v1.35.0-rc2+rke2r1", "v1.9.12+k3s10"} {
		if got := version(t, text).String(); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
	for _, text := range []string{"", "1.34.1+rke2r1", "v1.34+rke2r1", "v1.34.1", "v1.34.1+rke2", "v1.34.1+k3sr1", "latest", "v1.34.01+k3s1", "v1.34.1+k3s0", "v1.34.1+k3s1\n"} {
		if _, err := ParseVersion(text); err == nil || !strings.Contains(err.Error(), "v1.34.1+k3s1") {
			t.Errorf("%q: the error must show a right one: %v", text, err)
		}
	}
}

func TestCompareVersions(t *testing.T) {
	ascending := []string{"v1.33.9+rke2r1", "v1.34.0-rc1+rke2r1", "v1.34.0-rc2+rke2r1", "v1.34.0-rc10+rke2r1", "v1.34.0+rke2r1", "v1.34.0+rke2r2", "v1.34.10+rke2r1"}
	for i, older := range ascending {
		for j, newer := range ascending {
			got := version(t, older).Compare(version(t, newer))
			if (i < j) != (got < 0) || (i == j) != (got == 0) {
				t.Errorf("%s against %s: %d", older, newer, got)
			}
		}
	}
}

func TestCheckUpgrade(t *testing.T) {
	for _, test := range []struct{ from, to, want string }{
		{"v1.34.1+rke2r1", "v1.34.1+rke2r1", ""},
		{"v1.34.1+rke2r1", "v1.34.1+rke2r2", ""},
		{"v1.34.1+rke2r1", "v1.35.0+rke2r1", ""},
		{"v1.34.1+rke2r1", "v1.36.0+rke2r1", "v1.35"},
		{"v1.34.1+rke2r1", "v1.34.0+rke2r1", "downgraded"},
		{"v1.34.1+rke2r1", "v1.34.1+k3s1", "distribution"},
	} {
		checkError(t, test.from+" to "+test.to, CheckUpgrade(version(t, test.from), version(t, test.to)), test.want)
	}
}

func TestCheckAgentVersion(t *testing.T) {
	for _, test := range []struct{ servers, agent, want string }{
		{"v1.34.1+rke2r1", "v1.34.1+rke2r1", ""},
		{"v1.34.1+rke2r1", "v1.31.9+rke2r1", ""},
		{"v1.34.1+rke2r1", "v1.30.9+rke2r1", "too old"},
		{"v1.34.1+rke2r1", "v1.34.2+rke2r1", "upgrade the cluster first"},
		{"v1.34.1+rke2r1", "v1.34.1+k3s1", "one distribution"},
	} {
		checkError(t, test.agent+" to "+test.servers, CheckAgentVersion(version(t, test.servers), version(t, test.agent)), test.want)
	}
}

// checkError wants no error when want is empty, else one that contains it.
func checkError(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: unexpected error: %v", what, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: want an error with %q, got %v", what, want, err)
	}
}

func TestValidateSchedule(t *testing.T) {
	for schedule, want := range map[string]string{
		"0 */6 * * *":         "",
		"@daily":              "",
		"5,35 0-6/2 1 jan *":  "",
		"0 0 * * mon-fri":     "",
		"@fortnightly":        "names are",
		"0 */6 * *":           "4 fields",
		"60 * * * *":          "minute",
		"0 24 * * *":          "hour",
		"0 0 0 * *":           "day of month",
		"0 0 * 13 *":          "month",
		"0 0 * * fri-mon":     "ends before",
		"0 */0 * * *":         "no step",
		"0 0 * * * extra":     "6 fields",
		"":                    "0 fields",
		"every six hours, ok": "4 fields",
	} {
		checkError(t, schedule, ValidateSchedule(schedule), want)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"prod": "", "a": "", strings.Repeat("a", 28): "",
		"Prod": "lower case", "prod_1": "lower case", "-prod": "start", "": "lower case", strings.Repeat("a", 29): "29 characters",
	} {
		checkError(t, name, ValidateNamePart(name), want)
	}
	seen := map[string]bool{}
	for range 200 {
		name, err := NodeName("prod", "web")
		if err != nil || !strings.HasPrefix(name, "prod-web-") || len(name) != len("prod-web-")+5 {
			t.Fatalf("%q, %v", name, err)
		}
		if seen[name] {
			t.Fatalf("%s came twice", name)
		}
		seen[name] = true
	}
}

func TestLabelsAndTaints(t *testing.T) {
	for key, want := range map[string]string{
		"tier": "", "example.com/tier": "", "node.kubernetes.io/instance-type": "", "topology.kubernetes.io/zone": "",
		"node-role.kubernetes.io/web": "another prefix", "k8s.io/x": "another prefix", "bad key": "name part",
	} {
		checkError(t, key, ValidateLabel(key, "x"), want)
	}
	checkError(t, "value", ValidateLabel("tier", "not a value"), "value")

	for text, want := range map[string]string{
		"dedicated=web:NoSchedule": "", "dedicated:NoExecute": "",
		"dedicated=web": "write key=value:Effect", "dedicated=web:Never": "Effect is", "bad key:NoSchedule": "name part", "a=b c:NoSchedule": "value",
	} {
		taint, err := ParseTaint(text)
		checkError(t, text, err, want)
		if want == "" && taint.ToString() != text {
			t.Errorf("%s became %s", text, taint.ToString())
		}
	}
}
