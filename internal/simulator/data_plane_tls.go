package simulator

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// tlsConfig is how a listener speaks TLS at the moment.
func (p *dataPlane) tlsConfig(listenerID string) (*tls.Config, error) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	listener := p.sim.loadBalancing.Listeners[listenerID]
	if listener == nil {
		return nil, errors.New("the listener is gone")
	}
	k := p.sim.keyManager
	config := &tls.Config{NextProtos: []string{"http/1.1"}} //nolint:gosec // the versions are the user's
	for _, ref := range certificateRefs(listener) {
		certificate, err := k.certificate(ref)
		if err != nil {
			return nil, err
		}
		config.Certificates = append(config.Certificates, certificate)
	}
	if versions := tlsVersions(listener.strs("tls_versions")); len(versions) > 0 {
		config.MinVersion, config.MaxVersion = slices.Min(versions), slices.Max(versions)
	}
	switch listener.str("client_authentication") {
	case "OPTIONAL":
		config.ClientAuth = tls.VerifyClientCertIfGiven
	case "MANDATORY":
		config.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return config, nil
	}
	pem, err := k.payload(listener.str("client_ca_tls_container_ref"))
	if err != nil {
		return nil, err
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("the CA of client certificates is not PEM")
	}
	return config, nil
}

// certificateRefs are the references to a listener's certificates. The first one serves names that none is for.
func certificateRefs(listener object) []string {
	refs := []string{}
	if ref := listener.str("default_tls_container_ref"); ref != "" {
		refs = append(refs, ref)
	}
	return append(refs, listener.strs("sni_container_refs")...)
}

func tlsVersions(names []string) []uint16 {
	known := map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}
	versions := []uint16{}
	for _, name := range names {
		if version, ok := known[name]; ok {
			versions = append(versions, version)
		}
	}
	return versions
}

// payload is what a secret holds, found by its reference.
func (k *keyManager) payload(ref string) ([]byte, error) {
	secret, ok := k.Secrets.get(path.Base(ref))
	if !ok || expiredSecret(secret) {
		return nil, fmt.Errorf("there is no secret %s", ref)
	}
	payload, err := base64.StdEncoding.DecodeString(secret.str("_payload"))
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", ref, err)
	}
	return payload, nil
}

// certificate reads a certificate with its key: a secret that is PKCS#12 without a password, or a container of PEM secrets.
func (k *keyManager) certificate(ref string) (tls.Certificate, error) {
	if strings.Contains(ref, "/containers/") {
		return k.contained(ref)
	}
	payload, err := k.payload(ref)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, leaf, chain, err := pkcs12.DecodeChain(payload, "")
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("secret %s is no PKCS#12 bundle: %w", ref, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return tls.Certificate{}, fmt.Errorf("the key in secret %s cannot sign", ref)
	}
	certificate := tls.Certificate{PrivateKey: signer, Leaf: leaf, Certificate: [][]byte{leaf.Raw}}
	for _, issuer := range chain {
		certificate.Certificate = append(certificate.Certificate, issuer.Raw)
	}
	return certificate, nil
}

func (k *keyManager) contained(ref string) (tls.Certificate, error) {
	container, ok := k.Containers.get(path.Base(ref))
	if !ok {
		return tls.Certificate{}, fmt.Errorf("there is no container %s", ref)
	}
	parts := map[string][]byte{}
	for _, secret := range container.objs("secret_refs") {
		payload, err := k.payload(secret.str("secret_ref"))
		if err != nil {
			return tls.Certificate{}, err
		}
		parts[secret.str("name")] = payload
	}
	certificate, err := tls.X509KeyPair(slices.Concat(parts["certificate"], []byte("\n"), parts["intermediates"]), parts["private_key"])
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("container %s: %w", ref, err)
	}
	return certificate, nil
}

// checkCertificates refuses a listener whose certificates cannot be read, and enters the service in the access lists of the others.
func (l *loadBalancing) checkCertificates(listener object) error {
	missing := []string{}
	for _, ref := range certificateRefs(listener) {
		if _, err := l.sim.keyManager.certificate(ref); err != nil {
			missing = append(missing, "'"+ref+"'")
		} else {
			l.sim.keyManager.lend(ref)
		}
	}
	if len(missing) > 0 {
		return fail(http.StatusBadRequest, "", "Could not retrieve certificate: [%s]", strings.Join(missing, ", "))
	}
	return nil
}
