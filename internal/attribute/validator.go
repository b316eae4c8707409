package attribute

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// obeys is a string validator made of a sentence and a function.
type obeys struct {
	wants string
	check func(string) error
}

var _ validator.String = obeys{}

// Obeys accepts what passes the check. The sentence says what a value must be; the error, what is wrong with this one.
func Obeys(wants string, check func(string) error) validator.String { return obeys{wants, check} }

// is is Obeys for a check whose error goes on after the value and "is".
func is(wants string, check func(string) error) validator.String {
	return obeys{wants, func(text string) error {
		if err := check(text); err != nil {
			return fmt.Errorf("%q is %w", text, err)
		}
		return nil
	}}
}

// Description is the sentence.
func (o obeys) Description(context.Context) string { return o.wants }

// MarkdownDescription is the sentence.
func (o obeys) MarkdownDescription(context.Context) string { return o.wants }

// ValidateString checks a value that is known.
func (o obeys) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !value.Known(req.ConfigValue) {
		return
	}
	if err := o.check(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", fmt.Sprintf("The value %s: %v.", o.wants, err))
	}
}

// CIDR accepts an IPv4 or IPv6 prefix without host bits, such as 10.1.0.0/24.
func CIDR() validator.String {
	return is("must be a network in CIDR notation, such as 10.1.0.0/24 or 2001:db8::/64", func(s string) error {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			return fmt.Errorf("not one (%w)", err)
		}
		if prefix.Masked() != prefix {
			return fmt.Errorf("an address inside %s", prefix.Masked())
		}
		return nil
	})
}

// Prefix accepts an IPv4 or IPv6 prefix that may have host bits, as Neutron takes them in rules.
func Prefix() validator.String {
	return is("must be a prefix in CIDR notation, such as 203.0.113.7/32 or 2001:db8::/64", func(s string) error {
		if _, err := netip.ParsePrefix(s); err != nil {
			return fmt.Errorf("not one (%w)", err)
		}
		return nil
	})
}

// IPAddress accepts an IPv4 or IPv6 address without a zone.
func IPAddress() validator.String {
	return is("must be an IPv4 or IPv6 address, such as 10.1.0.1 or 2001:db8::1", func(s string) error {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return fmt.Errorf("not one (%w)", err)
		}
		if addr.Zone() != "" {
			return fmt.Errorf("one with a zone")
		}
		return nil
	})
}

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

// SHA256 wants a checksum as sha256sum prints it.
func SHA256() validator.String {
	return Obeys("must be a SHA-256 checksum", func(text string) error {
		if !sha256Form.MatchString(text) {
			return fmt.Errorf("%q is not 64 hexadecimal digits in lower case", text)
		}
		return nil
	})
}
