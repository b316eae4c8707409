package kubernetes

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

func testBundle(t *testing.T, now time.Time) *Bundle {
	t.Helper()
	bundle, err := NewBundle("prod", now)
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func certificates(t *testing.T, text string) []*x509.Certificate {
	t.Helper()
	var chain []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return chain
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, certificate)
	}
}

func TestBundleChains(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	bundle := testBundle(t, now)
	root := certificates(t, bundle.Root.Certificate)[0]
	roots := x509.NewCertPool()
	roots.AddCert(root)

	for name, pair := range map[string]KeyPair{
		"server": bundle.ServerCA, "client": bundle.ClientCA, "request header": bundle.RequestHeaderCA,
		"etcd server": bundle.EtcdServerCA, "etcd peer": bundle.EtcdPeerCA,
	} {
		chain := certificates(t, pair.Certificate)
		if len(chain) != 2 || !chain[1].Equal(root) {
			t.Fatalf("%s: the file must hold the authority, then the root; it holds %d certificates", name, len(chain))
		}
		if !chain[0].NotBefore.Equal(now.Add(-time.Hour)) {
			t.Errorf("%s: NotBefore is %s", name, chain[0].NotBefore)
		}
		if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now.Add(-time.Minute), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.HasPrefix(pair.Key, "-----BEGIN EC PRIVATE KEY-----") {
			t.Errorf("%s: the key is not SEC1: %s", name, strings.SplitN(pair.Key, "\n", 2)[0])
		}
		if _, err := tls.X509KeyPair([]byte(pair.Certificate), []byte(pair.Key)); err != nil {
			t.Errorf("%s: key and certificate: %v", name, err)
		}
	}
}

func TestSeedFilesKeepTheRootKeyHome(t *testing.T) {
	bundle := testBundle(t, time.Now())
	seed := bundle.SeedFiles()
	if len(seed) != 12 {
		t.Errorf("%d files; a partial seed breaks tokens of service accounts", len(seed))
	}
	for name, content := range seed {
		if content == "" {
			t.Errorf("%s is empty", name)
		}
		if strings.Contains(content, bundle.Root.Key) {
			t.Errorf("%s holds the root's key", name)
		}
	}
}

func TestTokens(t *testing.T) {
	bundle := testBundle(t, time.Now())
	digest := sha256.Sum256(certificates(t, bundle.Root.Certificate)[0].Raw)
	prefix := "K10" + hex.EncodeToString(digest[:])

	server, err := bundle.ServerToken()
	if err != nil || server != prefix+"::server:"+bundle.ServerSecret {
		t.Errorf("server token %q, %v", server, err)
	}
	agent, err := bundle.AgentToken()
	if err != nil || agent != prefix+"::node:"+bundle.AgentSecret {
		t.Errorf("agent token %q, %v", agent, err)
	}
	if bundle.AgentSecret == bundle.ServerSecret {
		t.Error("agents must not know the servers' secret")
	}
	if _, err := (&Bundle{}).AgentToken(); err == nil {
		t.Error("a bundle without root must give no token")
	}
}

func TestBundleSurvivesJSON(t *testing.T) {
	bundle := testBundle(t, time.Now())
	text, err := json.Marshal(bundle)
	if err != nil {
		t.Fatal(err)
	}
	var read Bundle
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if read != *bundle {
		t.Error("the bundle changed on its way through JSON")
	}
}

func TestAdminCertificate(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	bundle := testBundle(t, now)
	admin, err := bundle.NewAdminCertificate(now)
	if err != nil {
		t.Fatal(err)
	}
	certificate := certificates(t, admin.Certificate)[0]
	if groups := certificate.Subject.Organization; !slices.Equal(groups, []string{"massif:admins"}) {
		t.Errorf("groups %v", groups)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM([]byte(bundle.ClientCA.Certificate))
	if _, err := certificate.Verify(x509.VerifyOptions{Roots: authorities, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}

	for _, test := range []struct {
		days  int
		renew bool
	}{{0, false}, {59, false}, {60, true}, {91, true}} {
		if got := CertificateNeedsRenewal(admin.Certificate, now.AddDate(0, 0, test.days)); got != test.renew {
			t.Errorf("after %d days: renewal %t", test.days, got)
		}
	}
	if !CertificateNeedsRenewal("", now) {
		t.Error("a missing certificate needs renewal")
	}
}

func TestKubeconfig(t *testing.T) {
	bundle := testBundle(t, time.Now())
	admin, err := bundle.NewAdminCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	access := Access{
		Cluster: "prod", Server: "https://203.0.113.9:6443", CertificateAuthority: bundle.ServerCA.Certificate,
		ClientCertificate: admin.Certificate, ClientKey: admin.Key,
	}
	text, err := access.Kubeconfig("somebody")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != access.Server || string(config.CAData) != access.CertificateAuthority ||
		string(config.CertData) != access.ClientCertificate || string(config.KeyData) != access.ClientKey {
		t.Errorf("kubeconfig lost something: %+v", config)
	}
}
