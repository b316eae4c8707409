package acctest

import "testing"

// Also with more tests at once than a /24 has room for, and with many short ones while a long one runs.
func TestSimulatorsHaveAddressesOfTheirOwn(t *testing.T) {
	had := map[string]bool{}
	for range 40 {
		cidr := publicCIDR(t)
		if had[cidr] {
			t.Fatalf("%s is given twice", cidr)
		}
		had[cidr] = true
	}
	var first string
	for _, name := range []string{"one", "the next"} {
		t.Run(name, func(t *testing.T) {
			cidr := publicCIDR(t)
			if had[cidr] {
				t.Errorf("%s is given twice", cidr)
			}
			if first == "" {
				first = cidr
			}
			if cidr != first {
				t.Errorf("got %s, want %s, which is free again", cidr, first)
			}
		})
	}
}
