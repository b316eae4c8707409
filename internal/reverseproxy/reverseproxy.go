// Package reverseproxy is what the provider and the nodes of a managed reverse proxy agree on: the documents in the proxy's
// object container, their names, and what must be true of them. It knows neither Terraform nor OpenStack nor the proxy itself.
//
// The container of a proxy holds
//
//	config.json               upstreams, TLS, access log          written by the provider
//	routes/<set>.json.gz      host -> route, a set for each owner  written by the provider
//	certificates/<name>.json  a certificate, its key encrypted     written by the provider
//	certs/…                   what ACME gave, encrypted            shared by the nodes
//	status/<node>.json        what a node serves                   written by the node
package reverseproxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Format is the version of the documents that this package writes, and the newest that it reads.
const Format = 1

// Names of the objects in the container of a proxy.
const (
	ConfigObject       = "config.json"
	RoutesPrefix       = "routes/"
	CertificatesPrefix = "certificates/"
	StoragePrefix      = "certs/"
	StatusPrefix       = "status/"

	routesSuffix   = ".json.gz"
	documentSuffix = ".json"
)

// Bounds beyond which a document is refused, and advice below them.
const (
	MaxRoutes        = 100_000 // over all sets
	AdvisedRoutes    = 20_000
	MaxUpstreams     = 1_000
	AdvisedUpstreams = 200
)

// RoutesObject is the name of the object that holds a set of routes.
func RoutesObject(set string) string { return RoutesPrefix + set + routesSuffix }

// CertificateObject is the name of the object that holds a certificate.
func CertificateObject(name string) string { return CertificatesPrefix + name + documentSuffix }

// StatusObject is the name of the object in which a node reports.
func StatusObject(node string) string { return StatusPrefix + node + documentSuffix }

// RoutesSet is the name of the set that an object holds.
func RoutesSet(object string) (set string, ok bool) {
	return between(object, RoutesPrefix, routesSuffix)
}

// CertificateName is the name of the certificate that an object holds.
func CertificateName(object string) (name string, ok bool) {
	return between(object, CertificatesPrefix, documentSuffix)
}

// StatusNode is the name of the node that reports in an object.
func StatusNode(object string) (node string, ok bool) {
	return between(object, StatusPrefix, documentSuffix)
}

func between(object, prefix, suffix string) (string, bool) {
	name, ok := strings.CutPrefix(object, prefix)
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, suffix)
	return name, ok && CheckName(name) == nil
}

var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`)

// CheckName tells what is wrong with the name of an upstream, a target, a set of routes, a certificate or a node.
func CheckName(name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("%q is no name: at most 63 lower case letters, digits, dots, underscores and hyphens, a letter or digit at both ends", name)
	}
	return nil
}

// Duration is a time.Duration that documents write as Go does, such as 1m30s.
type Duration time.Duration

// MarshalText writes the duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration such as 5s or 1m30s", text)
	}
	*d = Duration(value)
	return nil
}

// Problem is something wrong at a place of a document.
type Problem struct {
	// Path leads to the value: attribute names and map keys, such as upstreams, shop, targets, v1, url.
	Path []string
	Err  error
}

// Error names the place and what is wrong there.
func (p *Problem) Error() string { return strings.Join(p.Path, ".") + ": " + p.Err.Error() }

// Unwrap is what is wrong.
func (p *Problem) Unwrap() error { return p.Err }

// Problems are the problems in an error of this package, in the order in which they were found.
func Problems(err error) []*Problem {
	var (
		one    *Problem
		joined interface{ Unwrap() []error }
	)
	if errors.As(err, &joined) {
		var all []*Problem
		for _, err := range joined.Unwrap() {
			all = append(all, Problems(err)...)
		}
		return all
	}
	if errors.As(err, &one) {
		return []*Problem{one}
	}
	return nil
}

// problems collects the problems of a document.
type problems []error

func (p *problems) add(err error, path ...string) {
	if err != nil {
		*p = append(*p, &Problem{Path: path, Err: err})
	}
}

func (p *problems) addf(path []string, format string, arguments ...any) {
	p.add(fmt.Errorf(format, arguments...), path...)
}

func (p *problems) err() error { return errors.Join(*p...) }

func decode(kind string, data []byte, into any) error {
	var format struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &format); err != nil {
		return fmt.Errorf("%s: not JSON: %w", kind, err)
	}
	if format.Format < 1 || format.Format > Format {
		return fmt.Errorf("%s: format %d; formats 1 to %d are known here", kind, format.Format, Format)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}
