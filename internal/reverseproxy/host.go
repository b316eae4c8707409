package reverseproxy

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// Host is the form in which a host is kept and looked up: lower case ASCII, no dot at its end. "*.example.ch" stands for
// every host that is one label longer than example.ch, as in certificates.
func Host(host string) (string, error) {
	name, wildcard := strings.CutPrefix(host, "*.")
	out, err := plainHost(name)
	switch {
	case err != nil:
		return "", fmt.Errorf("%q is no host: %w", host, err)
	case wildcard:
		return "*." + out, nil
	}
	return out, nil
}

func plainHost(host string) (string, error) {
	host = strings.TrimSuffix(host, ".")
	switch {
	case host == "":
		return "", errors.New("it is empty")
	case strings.Contains(host, "://") || strings.ContainsRune(host, '/'):
		return "", errors.New("only the name is wanted, without scheme and path")
	case strings.ContainsRune(host, '*'):
		return "", errors.New("a wildcard stands at the begin only, for one whole label: *.example.ch")
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return "", errors.New("it is an address; browsers send it neither by SNI nor get a certificate for it")
	}
	if strings.ContainsRune(host, ':') {
		return "", errors.New("only the name is wanted, without a port")
	}
	if !simple(host) {
		ascii, err := lookupProfile().ToASCII(host)
		if err != nil {
			return "", err
		}
		host = ascii
	}
	if len(host) > 253 {
		return "", fmt.Errorf("it has %d characters; 253 are possible", len(host))
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch {
	case last == host:
		return "", errors.New("it has no dot")
	case strings.Trim(last, "0123456789") == "":
		return "", errors.New("no top level domain is a number")
	}
	return host, nil
}

func lookupProfile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(true), idna.VerifyDNSLength(true))
}

// simple tells whether the host is what the IDNA profile would make of it: nearly all are.
func simple(host string) bool {
	label := 0
	for i := range len(host) {
		switch c := host[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == '-' && label > 0 && i+1 < len(host) && host[i+1] != '.' && label != 3: // "xn--" and its like are looked at
		case c == '.' && label > 0:
			label = -1
		default:
			return false
		}
		label++
		if label > 63 {
			return false
		}
	}
	return label > 0
}

// Wildcard is the wildcard that a host is matched by: *.example.ch for a.example.ch; "" for a host without a dot.
func Wildcard(host string) string {
	_, parent, ok := strings.Cut(host, ".")
	if !ok {
		return ""
	}
	return "*." + parent
}

// Match finds what a host maps to: itself first, then its wildcard. The host is in the form that Host gives.
func Match[T any](table map[string]T, host string) (found T, ok bool) {
	if found, ok = table[host]; ok {
		return found, true
	}
	dot := strings.IndexByte(host, '.')
	if dot < 0 {
		return found, false
	}
	var buffer [256]byte // no allocation for a lookup
	key := append(append(buffer[:0], '*'), host[dot:]...)
	found, ok = table[string(key)]
	return found, ok
}
