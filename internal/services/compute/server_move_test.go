package compute

import (
	"crypto/sha1" //nolint:gosec // as the common provider does
	"encoding/hex"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestSameUserData(t *testing.T) {
	t.Parallel()
	hash := func(text string) types.String {
		sum := sha1.Sum([]byte(text)) //nolint:gosec // see the import
		return types.StringValue(hex.EncodeToString(sum[:]))
	}
	written := types.StringValue("#cloud-config\n")
	for name, tc := range map[string]struct {
		prior, plan types.String
		want        bool
	}{
		"the same":       {written, written, true},
		"another":        {written, types.StringValue("x"), false},
		"its hash":       {hash("#cloud-config\n"), written, true},
		"in Base64":      {hash("I2Nsb3VkLWNvbmZpZwo="), written, true},
		"another's hash": {hash("x"), written, false},
		"taken away":     {hash("#cloud-config\n"), types.StringNull(), false},
		"not known yet":  {hash("#cloud-config\n"), types.StringUnknown(), false},
		"added":          {types.StringNull(), written, false},
	} {
		if got := sameUserData(tc.prior, tc.plan); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
