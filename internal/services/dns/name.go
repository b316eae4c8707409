package dns

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
)

// label is one part of a name as Designate takes it, which is what hosts, services and wildcards are called.
var label = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?|\*)$`)

// ascii is a name as DNS has it: in small letters, and what is beyond ASCII in Punycode.
func ascii(name string) (string, error) {
	for _, r := range name {
		if r > 127 {
			coded, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(name)
			if err != nil {
				return "", fmt.Errorf("%q cannot be written in DNS: %w", name, err)
			}
			return coded, nil
		}
	}
	return strings.ToLower(name), nil
}

// absolute is a whole name with the dot at its end, which may be left out.
func absolute(name string) (string, error) {
	name, err := ascii(strings.TrimSuffix(name, "."))
	if err != nil {
		return "", err
	}
	if name == "" {
		return "", errors.New("it must not be empty")
	}
	if len(name) > 253 {
		return "", fmt.Errorf("a name has at most 253 characters, this one %d", len(name))
	}
	for i, part := range strings.Split(name, ".") {
		switch {
		case part == "":
			return "", errors.New("there is nothing between two dots, or before the first")
		case len(part) > 63:
			return "", fmt.Errorf("%s is longer than the 63 characters that a part of a name may have", part)
		case part == "*" && i > 0:
			return "", errors.New("a wildcard, as in *.example.com, stands for the first part only")
		case !label.MatchString(part):
			return "", fmt.Errorf("%q may have letters, digits, hyphens inside and underscores only", part)
		}
	}
	return name + ".", nil
}

// zoneName is the whole name of a zone.
func zoneName(name string) (string, error) {
	name, err := absolute(name)
	switch {
	case err != nil:
		return "", err
	case strings.HasPrefix(name, "*."):
		return "", errors.New("a zone has no wildcard; a record set in it may")
	case strings.Count(name, ".") < 2:
		return "", errors.New("a zone has at least two parts, as example.com. has")
	}
	return name, nil
}

// apex is how a record set says that it has the zone's own name.
const apex = "@"

// recordName is the whole name of a record set: what has no dot at its end is in the zone, but for a name that says the
// zone already, which nobody wants twice.
func recordName(name, zone string) (string, error) {
	if name == apex {
		return zone, nil
	}
	whole, err := absolute(name)
	if err != nil {
		return "", err
	}
	inside := whole == zone || strings.HasSuffix(whole, "."+zone)
	switch {
	case inside:
		return whole, nil
	case strings.HasSuffix(name, "."):
		return "", fmt.Errorf("%s is not in the zone %s: end it with that name, or leave out the dot at its end", whole, zone)
	}
	return absolute(whole + zone)
}

// sameName tells whether two names are one in DNS.
func sameName(a, b string) bool {
	x, err := absolute(a)
	if err != nil {
		return false
	}
	y, err := absolute(b)
	return err == nil && x == y
}

// target is a name inside a record, which must be absolute: without its dot nobody could tell whether the zone is meant.
func target(name string) (string, error) {
	if name == "." {
		return name, nil
	}
	whole, err := absolute(name)
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(name, ".") {
		return "", fmt.Errorf("a name in a record ends with a dot: write %s", whole)
	}
	return whole, nil
}
