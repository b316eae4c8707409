package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// document is one object of the provider's as this node knows it.
type document[T any] struct {
	seen string // ETag of the newest version
	next *T     // what it says; nil when it is broken
	flaw error  // why

	loaded string // ETag of the version that is served
	live   *T
	err    string // why the newest version is not served, or not as it is
}

func (d *document[T]) read(etag string, value T, err error) {
	d.seen, d.next, d.flaw = etag, &value, err
	if err != nil {
		d.next = nil
	}
}

// accept serves the newest version, refuse the one before.
func (d *document[T]) accept(note error) {
	d.loaded, d.live, d.err = d.seen, d.next, brief(note)
}

func (d *document[T]) refuse(err error) { d.err = brief(err) }

func (d *document[T]) status() reverseproxy.DocumentStatus {
	return reverseproxy.DocumentStatus{Seen: d.seen, Loaded: d.loaded, Error: d.err}
}

// ownCertificate is a certificate of the user's own, ready to serve.
type ownCertificate struct {
	reverseproxy.CertificateInfo
	pair *tls.Certificate
}

type routeTable = map[string]reverseproxy.Route

// documents are what the container says, and what of it is served.
type documents struct {
	container    *container
	cipher       *reverseproxy.Cipher
	copies       copies
	config       document[reverseproxy.Config]
	sets         map[string]*document[routeTable]
	certificates map[string]*document[ownCertificate]
}

func newDocuments(container *container, cipher *reverseproxy.Cipher, copies copies) *documents {
	return &documents{
		container: container, cipher: cipher, copies: copies,
		sets: map[string]*document[routeTable]{}, certificates: map[string]*document[ownCertificate]{},
	}
}

// poll reads what has changed. It may have read some of it when it fails.
func (d *documents) poll(ctx context.Context) (changed bool, err error) {
	one, err := d.pollConfig(ctx)
	if err != nil {
		return one, err
	}
	two, err := d.pollRoutes(ctx)
	if err != nil {
		return one || two, err
	}
	three, err := d.pollCertificates(ctx)
	return one || two || three, err
}

func (d *documents) pollConfig(ctx context.Context) (bool, error) {
	found, err := d.container.get(ctx, reverseproxy.ConfigObject, d.config.seen)
	if errors.Is(err, errNotModified) {
		return false, nil
	}
	if err != nil {
		return false, err // also when it is gone: nobody takes it away from a proxy that serves
	}
	d.takeConfig(found)
	d.copies.keep(reverseproxy.ConfigObject, found)
	return true, nil
}

func (d *documents) takeConfig(found object) {
	config, err := reverseproxy.DecodeConfig(found.Data)
	d.config.read(found.ETag, config, err)
}

func (d *documents) pollRoutes(ctx context.Context) (changed bool, err error) {
	below, err := d.container.list(ctx, reverseproxy.RoutesPrefix, true)
	if err != nil {
		return false, err
	}
	names := map[string]bool{}
	for _, found := range below {
		if set, ok := reverseproxy.RoutesSet(found.Name); ok {
			names[set] = true
		}
	}
	for set := range d.sets { // a listing may lag behind: only the object itself can tell that it is gone
		names[set] = true
	}
	for _, set := range slices.Sorted(maps.Keys(names)) {
		known, old := d.sets[set], ""
		if known != nil {
			old = known.seen
		}
		found, err := d.container.get(ctx, reverseproxy.RoutesObject(set), old)
		switch {
		case errors.Is(err, errNotModified):
			continue
		case openstack.NotFound(err):
			changed = changed || known != nil
			delete(d.sets, set)
			d.copies.drop(reverseproxy.RoutesObject(set))
			continue
		case err != nil:
			return changed, err
		}
		d.takeSet(set, found)
		d.copies.keep(reverseproxy.RoutesObject(set), found)
		changed = true
	}
	return changed, nil
}

func (d *documents) takeSet(set string, found object) {
	if d.sets[set] == nil {
		d.sets[set] = &document[routeTable]{}
	}
	routes, err := reverseproxy.DecodeRoutes(found.Data)
	var table routeTable
	if err == nil {
		table, err = reverseproxy.ParseRoutes(routes)
	}
	d.sets[set].read(found.ETag, table, err)
}

func (d *documents) pollCertificates(ctx context.Context) (changed bool, err error) {
	below, err := d.container.list(ctx, reverseproxy.CertificatesPrefix, true)
	if err != nil {
		return false, err
	}
	there := map[string]bool{}
	for _, found := range below {
		name, ok := reverseproxy.CertificateName(found.Name)
		if !ok {
			continue
		}
		there[name] = true
		known := d.certificates[name]
		if known != nil && known.seen == found.Hash {
			continue
		}
		read, err := d.container.get(ctx, found.Name, "")
		if openstack.NotFound(err) {
			continue
		}
		if err != nil {
			return changed, err
		}
		d.takeCertificate(name, read)
		d.copies.keep(found.Name, read)
		changed = true
	}
	for name := range d.certificates {
		if !there[name] {
			delete(d.certificates, name)
			d.copies.drop(reverseproxy.CertificateObject(name))
			changed = true
		}
	}
	return changed, nil
}

func (d *documents) takeCertificate(name string, found object) {
	if d.certificates[name] == nil {
		d.certificates[name] = &document[ownCertificate]{}
	}
	own, err := readCertificate(name, found.Data, d.cipher)
	d.certificates[name].read(found.ETag, own, err)
}

// restore takes the copies on the disk for what the container says, until that can be read. It tells whether there is one of the configuration.
func (d *documents) restore() (there bool) {
	for _, name := range d.copies.all() {
		set, isSet := reverseproxy.RoutesSet(name)
		certificate, isCertificate := reverseproxy.CertificateName(name)
		if !isSet && !isCertificate && name != reverseproxy.ConfigObject {
			continue
		}
		found, err := d.copies.read(name)
		switch {
		case err != nil:
			caddy.Log().Warn("a copy on the disk cannot be read", zap.String("object", name), zap.Error(err))
		case isSet:
			d.takeSet(set, found)
		case isCertificate:
			d.takeCertificate(certificate, found)
		default:
			d.takeConfig(found)
			there = true
		}
	}
	return there
}

func readCertificate(name string, data []byte, cipher *reverseproxy.Cipher) (ownCertificate, error) {
	certificate, err := reverseproxy.DecodeCertificate(name, data, cipher)
	if err != nil {
		return ownCertificate{}, err
	}
	info, err := certificate.Check(time.Now())
	if err != nil {
		return ownCertificate{}, err
	}
	pair, err := tls.X509KeyPair(certificate.Chain, certificate.Key)
	if err != nil {
		return ownCertificate{}, fmt.Errorf("read the certificate: %w", err)
	}
	pair.Leaf = nil // handshakes do not need it, and it takes more memory than all the rest
	return ownCertificate{info, &pair}, nil
}

// settle decides what is served of all that was read: the newest version of each document, or the one before where that
// is broken or does not fit the others. apply makes a changed configuration work; a configuration that cannot is refused.
func (d *documents) settle(apply func(reverseproxy.Config) error) {
	if d.config.next != nil && d.config.seen != d.config.loaded {
		if err := d.fits(d.config.next); err != nil {
			d.config.refuse(err)
		} else if err := apply(*d.config.next); err != nil {
			d.config.refuse(err)
		} else {
			d.config.accept(nil)
		}
	} else {
		d.config.refuse(d.config.flaw) // nil when the version before came back
	}
	var upstreams map[string]reverseproxy.Upstream
	if d.config.live != nil {
		upstreams = d.config.live.Upstreams
	}
	for _, set := range d.sets {
		err := set.flaw
		if err == nil {
			err = reverseproxy.CheckUpstreams(*set.next, upstreams)
		}
		if err != nil {
			set.refuse(err)
		} else {
			set.accept(nil)
		}
	}
	for _, certificate := range d.certificates {
		if certificate.flaw != nil {
			certificate.refuse(certificate.flaw)
		} else {
			certificate.accept(nil)
		}
	}
}

// fits tells why a configuration would leave routes that are served without their upstream.
func (d *documents) fits(config *reverseproxy.Config) error {
	for _, name := range slices.Sorted(maps.Keys(d.sets)) {
		set := d.sets[name]
		if set.next != nil && reverseproxy.CheckUpstreams(*set.next, config.Upstreams) == nil || set.live == nil {
			continue
		}
		if err := reverseproxy.CheckUpstreams(*set.live, config.Upstreams); err != nil {
			return fmt.Errorf("routes of the set %q need an upstream that this configuration has not: %w", name, err)
		}
	}
	return nil
}

// merged is the table of all sets. What is wrong with it is noted with the set that brought it.
func (d *documents) merged() routeTable {
	live := map[string]map[string]reverseproxy.Route{}
	for name, set := range d.sets {
		if set.live != nil {
			live[name] = *set.live
		}
	}
	table, err := reverseproxy.Merge(live)
	notes := map[string][]error{}
	for _, problem := range reverseproxy.Problems(err) {
		if len(problem.Path) > 0 {
			notes[problem.Path[0]] = append(notes[problem.Path[0]], problem)
		}
	}
	for name, found := range notes {
		if set := d.sets[name]; set.err == "" {
			set.err = brief(errors.Join(found...))
		}
	}
	return table
}

// byHost is the certificate for each host that one names, the one that lasts longest where several do.
func (d *documents) byHost() map[string]*ownCertificate {
	out := map[string]*ownCertificate{}
	for _, name := range slices.Sorted(maps.Keys(d.certificates)) {
		own := d.certificates[name].live
		if own == nil {
			continue
		}
		for _, host := range own.Hosts {
			if other := out[host]; other == nil || own.NotAfter.After(other.NotAfter) {
				out[host] = own
			}
		}
	}
	return out
}

func (d *documents) status() map[string]reverseproxy.DocumentStatus {
	all := map[string]reverseproxy.DocumentStatus{reverseproxy.ConfigObject: d.config.status()}
	for name, set := range d.sets {
		all[reverseproxy.RoutesObject(name)] = set.status()
	}
	for name, certificate := range d.certificates {
		all[reverseproxy.CertificateObject(name)] = certificate.status()
	}
	return all
}

func (d *documents) certificateStatus() map[string]reverseproxy.CertificateStatus {
	all := map[string]reverseproxy.CertificateStatus{}
	for name, certificate := range d.certificates {
		if own := certificate.live; own != nil {
			all[name] = reverseproxy.CertificateStatus{Hosts: own.Hosts, NotAfter: own.NotAfter.UTC()}
		}
	}
	return all
}

// brief is an error of which the first lines are enough.
func brief(err error) string {
	if err == nil {
		return ""
	}
	const most = 10
	lines := strings.SplitN(err.Error(), "\n", most+1)
	if len(lines) > most {
		lines[most] = fmt.Sprintf("and %d more", strings.Count(lines[most], "\n")+1)
	}
	return strings.Join(lines, "\n")
}
