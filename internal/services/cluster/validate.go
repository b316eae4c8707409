package cluster

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// validateMirror accepts URLs that a shell script may hand to curl.
func validateMirror(text string) error {
	mirror, err := url.Parse(text)
	if err != nil || mirror.Host == "" || !slices.Contains([]string{"http", "https"}, mirror.Scheme) {
		return fmt.Errorf("%q is not one of http or https", text)
	}
	if mirror.User != nil {
		return fmt.Errorf("it may hold no password: every pod of a node can read the node's user data")
	}
	return nil
}

// validateRange accepts one CIDR, or two of both families with a comma between.
func validateRange(text string) error {
	parts := strings.Split(text, ",")
	if len(parts) > 2 {
		return fmt.Errorf("%q has more than two ranges", text)
	}
	var six []bool
	for _, part := range parts {
		prefix, err := parsePrefix(part)
		if err != nil {
			return err
		}
		six = append(six, prefix.Addr().Is6())
	}
	if len(six) == 2 && six[0] == six[1] {
		return fmt.Errorf("%q has two ranges of one family; a second one is for the other", text)
	}
	return nil
}
