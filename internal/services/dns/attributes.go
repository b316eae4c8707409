package dns

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
)

func description() schema.StringAttribute {
	a := attribute.Description()
	a.Validators = []validator.String{stringvalidator.LengthAtMost(maxDescription)}
	return a
}

// mailbox is what Designate takes, which writes the address with a dot in the SOA record.
var mailbox = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

func checkEmail(email string) error {
	switch {
	case strings.Contains(email, "+"):
		return errors.New("there may be no + in it, for Designate writes the address in a DNS record")
	case !mailbox.MatchString(email) || strings.Contains(email, ".."):
		return fmt.Errorf("%q is not of the form hostmaster@example.com", email)
	}
	return nil
}

// checkMaster takes an address or a name, with or without a port.
func checkMaster(master string) error {
	if _, err := netip.ParseAddr(master); err == nil {
		return nil
	}
	if at, err := netip.ParseAddrPort(master); err == nil && at.Port() > 0 {
		return nil
	}
	host, port, found := strings.Cut(master, ":")
	if n, err := strconv.ParseUint(port, 10, 16); found && (err != nil || n == 0) {
		return fmt.Errorf("%q has no port from 1 to 65535 after the colon", master)
	}
	whole, err := absolute(host)
	if err != nil {
		return err
	}
	last := strings.Split(strings.TrimSuffix(whole, "."), ".")
	if strings.Trim(last[len(last)-1], "0123456789") == "" {
		return fmt.Errorf("%q is no address", master)
	}
	return nil
}

// plainMaster is a master as Designate tells it, without the default port.
func plainMaster(master string) string { return strings.TrimSuffix(master, ":53") }
