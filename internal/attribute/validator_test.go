package attribute_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
)

func TestValidators(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		v     validator.String
		value types.String
		want  string // part of the error, "" for none
	}{
		{"IPv4 network", attribute.CIDR(), types.StringValue("10.1.0.0/24"), ""},
		{"IPv6 network", attribute.CIDR(), types.StringValue("2001:db8::/64"), ""},
		{"host bits", attribute.CIDR(), types.StringValue("10.1.0.5/24"), "an address inside 10.1.0.0/24"},
		{"no length", attribute.CIDR(), types.StringValue("10.1.0.0"), "no '/'"},
		{"length too long", attribute.CIDR(), types.StringValue("10.1.0.0/33"), "prefix length out of range"},
		{"nothing", attribute.CIDR(), types.StringValue(""), "must be a network in CIDR notation"},
		{"unknown", attribute.CIDR(), types.StringUnknown(), ""},
		{"null", attribute.CIDR(), types.StringNull(), ""},
		{"prefix with host bits", attribute.Prefix(), types.StringValue("10.1.0.5/24"), ""},
		{"no prefix", attribute.Prefix(), types.StringValue("everywhere"), "must be a prefix"},
		{"IPv4 address", attribute.IPAddress(), types.StringValue("10.1.0.1"), ""},
		{"IPv6 address", attribute.IPAddress(), types.StringValue("2001:db8::1"), ""},
		{"zone", attribute.IPAddress(), types.StringValue("fe80::1%eth0"), "one with a zone"},
		{"checksum", attribute.SHA256(), types.StringValue(strings.Repeat("0a", 32)), ""},
		{"checksum in capitals", attribute.SHA256(), types.StringValue(strings.Repeat("0A", 32)), "64 hexadecimal digits in lower case"},
		{"network for an address", attribute.IPAddress(), types.StringValue("10.1.0.0/24"), "must be an IPv4 or IPv6 address"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var resp validator.StringResponse
			tc.v.ValidateString(context.Background(), validator.StringRequest{Path: path.Root("x"), ConfigValue: tc.value}, &resp)
			switch {
			case tc.want == "" && resp.Diagnostics.HasError():
				t.Errorf("unexpected: %v", resp.Diagnostics)
			case tc.want != "" && !resp.Diagnostics.HasError():
				t.Error("no error")
			case tc.want != "" && !strings.Contains(resp.Diagnostics[0].Detail(), tc.want):
				t.Errorf("%q is not in %q", tc.want, resp.Diagnostics[0].Detail())
			}
		})
	}
}
