package simulator

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// authority is a CA of a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	chain       string // PEM, the root last
}

// pki is what a client seeds a cluster with.
type pki struct {
	t                    *testing.T
	root, server, client authority
	files                map[string]string
	hash                 string
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func ecKey(t *testing.T) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, pemOf("EC PRIVATE KEY", der)
}

// issue makes a certificate; parent is nil for a root.
func issue(t *testing.T, name string, parent *authority, template *x509.Certificate) (authority, string) {
	t.Helper()
	key, keyPEM := ecKey(t)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.NotBefore, template.NotAfter = serial, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.Subject.CommonName = name
	issuer, signerKey, above := template, crypto.Signer(key), ""
	if parent != nil {
		issuer, signerKey, above = parent.certificate, parent.key, parent.chain
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signerKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key, pemOf("CERTIFICATE", der) + above}, keyPEM
}

func ca() *x509.Certificate {
	return &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{t: t, files: map[string]string{}}
	p.root, _ = issue(t, "root", nil, ca())
	for _, name := range tlsFiles() {
		base, isCertificate := strings.CutSuffix(name, ".crt")
		if !isCertificate {
			continue
		}
		authority, key := issue(t, base, &p.root, ca())
		p.files[name], p.files[base+".key"] = authority.chain, key
		switch base {
		case "server-ca":
			p.server = authority
		case "client-ca":
			p.client = authority
		}
	}
	_, p.files["service.key"] = ecKey(t)
	sum := sha256.Sum256(p.root.certificate.Raw)
	p.hash = hex.EncodeToString(sum[:])
	return p
}

func (p *pki) token(user, secret string) string { return "K10" + p.hash + "::" + user + ":" + secret }

// kubectl is an HTTP client of a cluster.
type kubectl struct {
	t       *testing.T
	client  *http.Client
	url     string
	accepts string
}

// as is a client with a certificate of a group; no certificate when group is empty.
func (p *pki) as(group, endpoint, name string) *kubectl {
	p.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(p.root.certificate)
	config := &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}
	if group != "" {
		leaf, key := issue(p.t, "somebody", &p.client, &x509.Certificate{
			Subject: pkix.Name{Organization: []string{group}}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		})
		pair, err := tls.X509KeyPair([]byte(leaf.chain), []byte(key))
		if err != nil {
			p.t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	return &kubectl{t: p.t, client: client, url: "https://" + endpoint}
}

func (k *kubectl) send(method, path, kind, body string) (int, kubeObject, string) {
	k.t.Helper()
	request, err := http.NewRequestWithContext(k.t.Context(), method, k.url+path, strings.NewReader(body))
	if err != nil {
		k.t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Accept", k.accepts)
	response, err := k.client.Do(request)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	var o kubeObject
	if bytes.HasPrefix(text, []byte("{")) {
		if err := json.Unmarshal(text, &o); err != nil {
			k.t.Fatal(err)
		}
	}
	return response.StatusCode, o, string(text)
}

func (k *kubectl) want(status int, method, path, body string) kubeObject {
	k.t.Helper()
	got, o, text := k.send(method, path, "application/json", body)
	if got != status {
		k.t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, text)
	}
	return o
}

func (k *kubectl) patch(kind, path, body string) kubeObject {
	k.t.Helper()
	status, o, text := k.send(http.MethodPatch, path, "application/"+kind+"-patch+json", body)
	if status != 200 {
		k.t.Fatalf("patch %s: %d %s", path, status, text)
	}
	return o
}

// nodes are the nodes by name with their readiness.
func (k *kubectl) nodes() map[string]string {
	k.t.Helper()
	found := map[string]string{}
	status, list, _ := k.send(http.MethodGet, "/api/v1/nodes", "application/json", "")
	if status != 200 {
		return nil
	}
	for _, node := range kubeList(list["items"]) {
		found[node.name()] = fmt.Sprint(nodeStatus(node))
	}
	return found
}

// node renders user data of a node in the way that is asked for.
type node struct {
	distribution, encoding string
	config                 map[string]any
	tls                    map[string]string
	manifests              map[string]string
}

func (n node) userData(t *testing.T) string {
	t.Helper()
	config, err := yaml.Marshal(n.config)
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]string{"/etc/rancher/" + n.distribution + "/config.yaml": string(config)}
	for name, content := range n.tls {
		written["/var/lib/stage/tls/"+name] = content
	}
	for name, content := range n.manifests {
		written["/var/lib/rancher/"+n.distribution+"/server/manifests/"+name] = content
	}
	files := []any{}
	for name, content := range written {
		file := map[string]any{"path": name, "content": content}
		switch n.encoding {
		case "b64":
			file["encoding"], file["content"] = "b64", base64.StdEncoding.EncodeToString([]byte(content))
		case "gz+b64":
			file["encoding"], file["content"] = "gz+b64", base64.StdEncoding.EncodeToString(zipped(t, content))
		}
		files = append(files, file)
	}
	text, err := yaml.Marshal(map[string]any{"write_files": files, "runcmd": []any{"install " + n.distribution + " v1.33.5+" + n.distribution + map[string]string{"rke2": "r1", "k3s": "1"}[n.distribution]}})
	if err != nil {
		t.Fatal(err)
	}
	document := "#cloud-config\n" + string(text)
	if n.encoding == "gzip" {
		document = string(zipped(t, document))
	}
	return fmt.Sprintf(`,"user_data":%q`, base64.StdEncoding.EncodeToString([]byte(document)))
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

const adminBinding = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: admins}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "the:admins"}
`

// platform is a cluster behind its API load balancer.
type platform struct {
	balancers
	pki      *pki
	vip      string
	endpoint string
	pools    map[string]string
	lb       string
	first    string // id of the first server
}

// newPlatform makes the load balancer and the first server of an RKE2 cluster.
func newPlatform(t *testing.T, options Options) *platform {
	t.Helper()
	p := &platform{balancers: asOctavia(t, start(t, options), "10.5.0.0/24"), pki: newPKI(t), pools: map[string]string{}}
	lb := p.want(201, "POST", lbaas+"loadbalancers", fmt.Sprintf(`{"loadbalancer":{"name":"api","vip_subnet_id":%q,"listeners":[
		{"name":"api","protocol":"TCP","protocol_port":6443,"default_pool":{"name":"api","protocol":"TCP","lb_algorithm":"ROUND_ROBIN","healthmonitor":{"type":"TCP","delay":5,"timeout":3,"max_retries":1}}},
		{"name":"supervisor","protocol":"TCP","protocol_port":9345,"default_pool":{"name":"supervisor","protocol":"TCP","lb_algorithm":"ROUND_ROBIN"}}]}}`, p.subnet)).body.obj("loadbalancer")
	for _, pool := range lb.objs("pools") {
		p.pools[pool.str("name")] = pool.str("id")
	}
	p.lb, p.vip = lb.str("id"), lb.str("vip_address")
	p.active(p.lb)
	address := p.floatingIP(lb.str("vip_port_id"))
	p.endpoint = p.listening(address + ":6443")
	var at string
	p.first, at = p.boot("first", node{
		distribution: "rke2", encoding: "gzip", tls: p.pki.files, manifests: map[string]string{"admins.yaml": adminBinding},
		config: map[string]any{
			"node-name": "c-server-1", "token": p.pki.token("server", "s3cret"), "agent-token": p.pki.token("node", "agent"),
			"tls-san": []string{"127.0.0.1", p.vip, "api.example.com"}, "node-label": []string{"pool=servers"}, "node-taint": []string{"CriticalAddonsOnly=true:NoExecute"},
		},
	}.userData(t))
	p.member(at)
	return p
}

// member puts a server behind both listeners.
func (p *platform) member(address string) {
	p.t.Helper()
	for name, port := range map[string]int{"api": 6443, "supervisor": 9345} {
		p.make(p.lb, "pools/"+p.pools[name]+"/members", "member", fmt.Sprintf(`{"member":{"address":%q,"protocol_port":%d}}`, address, port))
	}
}

// join boots a node that registers through the load balancer.
func (p *platform) join(name, token, encoding string, more map[string]any) (id, address string) {
	p.t.Helper()
	config := map[string]any{"node-name": name, "token": token, "server": "https://" + p.vip + ":9345"}
	for key, value := range more {
		config[key] = value
	}
	return p.boot(name, node{distribution: "rke2", encoding: encoding, config: config}.userData(p.t))
}

func (p *platform) admin() *kubectl { return p.pki.as("the:admins", p.endpoint, "api.example.com") }

func (p *platform) ready(name string) {
	p.t.Helper()
	admin := p.admin()
	eventually(p.t, name+" Ready", func() bool { return admin.nodes()[name] == "Ready" })
}

func (p *platform) console(id string) string {
	return p.want(200, "POST", "/compute/v2.1/servers/"+id+"/action", `{"os-getConsoleOutput":{}}`).body.str("output")
}

func TestKubernetesClusterComesUp(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, Options{PublicCIDR: "127.204.11.0/24"})
	p.ready("c-server-1")
	admin := p.admin()

	node := admin.want(200, "GET", "/api/v1/nodes/c-server-1", "")
	labels := node.labels()
	if labels["pool"] != "servers" || labels["node-role.kubernetes.io/control-plane"] != "true" || labels["node-role.kubernetes.io/etcd"] != "true" {
		t.Errorf("labels %v", labels)
	}
	if got := providerID(node); got != "openstack:///"+p.first {
		t.Errorf("providerID %s", got)
	}
	if got := node.child("status").child("nodeInfo")["kubeletVersion"]; got != "v1.33.5+rke2r1" {
		t.Errorf("version %v", got)
	}
	if got := kubeList(node.child("spec")["taints"]); len(got) != 1 || got[0]["key"] != "CriticalAddonsOnly" {
		t.Errorf("taints %v", got)
	}
	if got := admin.want(200, "GET", "/version", "")["gitVersion"]; got != "v1.33.5+rke2r1" {
		t.Errorf("server version %v", got)
	}

	// Agents come with their own token, servers one after the other.
	p.join("c-agent-1", p.pki.token("node", "agent"), "b64", nil)
	p.join("c-agent-2", p.pki.token("node", "agent"), "gz+b64", map[string]any{"node-taint": []string{"gpu=yes:NoSchedule"}})
	server2, address := p.join("c-server-2", p.pki.token("server", "s3cret"), "", map[string]any{"agent-token": "agent", "tls-san": "second.example.com"})
	for _, name := range []string{"c-agent-1", "c-agent-2", "c-server-2"} {
		p.ready(name)
	}
	if roles := nodeRoles(admin.want(200, "GET", "/api/v1/nodes/c-agent-1", "")); roles != "<none>" {
		t.Errorf("an agent has the roles %v", roles)
	}
	p.member(address)
	_, address = p.join("c-server-3", p.pki.token("server", "s3cret"), "", map[string]any{"agent-token": "agent"})
	p.member(address)
	p.ready("c-server-3")

	// The certificate is good for what the servers were told, and for nothing else.
	if status, _, _ := p.pki.as("the:admins", p.endpoint, "second.example.com").send("GET", "/readyz", "", ""); status != 200 {
		t.Errorf("a name of the second server: %d", status)
	}
	if _, _, text := p.pki.as("the:admins", p.endpoint, "other.example.com").send("GET", "/readyz", "", ""); !strings.Contains(text, "x509") {
		t.Errorf("a name that nobody gave: %s", text)
	}
	for group, want := range map[string]int{"the:admins": 200, "system:masters": 200, "others": 403, "": 401} {
		if status, _, text := p.pki.as(group, p.endpoint, "api.example.com").send("GET", "/api/v1/nodes", "", ""); status != want {
			t.Errorf("group %q: %d, want %d: %s", group, status, want, text)
		}
	}
	stranger := newPKI(t)
	stranger.root = p.pki.root
	if status, _, _ := stranger.as("system:masters", p.endpoint, "api.example.com").send("GET", "/api/v1/nodes", "", ""); status != 401 {
		t.Errorf("a certificate of another CA: %d", status)
	}

	// The API goes on without the first server, whose node stays as a lost one.
	p.want(204, "DELETE", "/compute/v2.1/servers/"+p.first, "")
	eventually(t, "lost node NotReady", func() bool { return admin.nodes()["c-server-1"] == "NotReady" })
	admin.want(200, "DELETE", "/api/v1/nodes/c-server-1", "")
	if got := len(admin.nodes()); got != 4 {
		t.Errorf("%d nodes", got)
	}
	// One of two members is no majority.
	p.want(204, "DELETE", "/compute/v2.1/servers/"+server2, "")
	eventually(t, "API gone", func() bool { status, _, _ := admin.send("GET", "/readyz", "", ""); return status == 0 })
}

func TestKubernetesRefusesNodes(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, Options{PublicCIDR: "127.204.12.0/24"})
	p.ready("c-server-1")
	wrong := newPKI(t)
	for name, test := range map[string]struct{ token, says string }{
		"bad-hash":   {wrong.token("node", "agent"), "token CA hash does not match"},
		"bad-secret": {p.pki.token("node", "nonsense"), "401 Unauthorized"},
		"c-server-1": {p.pki.token("node", "agent"), "node password rejected, duplicate hostname"},
	} {
		id, _ := p.join(name, test.token, "", nil)
		eventually(t, test.says, func() bool { return strings.Contains(p.console(id), test.says) })
	}
	// An agent's token makes no server.
	id, _ := p.join("no-server", p.pki.token("node", "agent"), "", map[string]any{"agent-token": "agent"})
	eventually(t, "agent token refused", func() bool { return strings.Contains(p.console(id), "401 Unauthorized") })
	if got := len(p.admin().nodes()); got != 1 {
		t.Errorf("%d nodes", got)
	}
	// A cluster that cannot be reached is tried again until it can.
	p.want(200, "PUT", lbaas+"listeners/"+p.listener("supervisor"), `{"listener":{"allowed_cidrs":["192.0.2.0/24"]}}`)
	p.active(p.lb)
	late, _ := p.join("late", p.pki.token("node", "agent"), "", nil)
	eventually(t, "timeout", func() bool { return strings.Contains(p.console(late), "i/o timeout") })
	p.want(200, "PUT", lbaas+"listeners/"+p.listener("supervisor"), `{"listener":{"allowed_cidrs":null}}`)
	p.ready("late")
}

func (p *platform) listener(name string) string {
	p.t.Helper()
	return p.want(200, "GET", lbaas+"listeners?name="+name, "").body.objs("listeners")[0].str("id")
}

func TestKubernetesIncompleteAuthorities(t *testing.T) {
	t.Parallel()
	c := asOctavia(t, start(t, Options{PublicCIDR: "127.204.13.0/24"}), "10.5.0.0/24")
	p := newPKI(t)
	delete(p.files, "etcd/peer-ca.key")
	id, _ := c.boot("first", node{distribution: "k3s", tls: p.files, config: map[string]any{"token": p.token("server", "x"), "cluster-init": true}}.userData(t))
	eventually(t, "the missing file named", func() bool {
		output := c.want(200, "POST", "/compute/v2.1/servers/"+id+"/action", `{"os-getConsoleOutput":{}}`).body.str("output")
		return strings.Contains(output, "/var/lib/rancher/k3s/server/tls/etcd/peer-ca.key: no such file")
	})
}

func TestKubernetesObjects(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, Options{PublicCIDR: "127.204.14.0/24"})
	p.ready("c-server-1")
	admin := p.admin()
	node := "/api/v1/nodes/c-server-1"

	if o := admin.patch("strategic-merge", node, `{"spec":{"unschedulable":true}}`); nodeStatus(o) != "Ready,SchedulingDisabled" {
		t.Errorf("after cordon: %v", nodeStatus(o))
	}
	if o := admin.patch("merge", node, `{"metadata":{"labels":{"pool":null,"new":"x"}}}`); o.labels()["pool"] != "" || o.labels()["new"] != "x" {
		t.Errorf("after a merge patch: %v", o.labels())
	}
	o := admin.patch("json", node, `[{"op":"replace","path":"/metadata/labels/new","value":"y"},{"op":"add","path":"/spec/taints/-","value":{"key":"a","effect":"NoSchedule"}}]`)
	if o.labels()["new"] != "y" || len(kubeList(o.child("spec")["taints"])) != 2 {
		t.Errorf("after a JSON patch: %v", o)
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	admin.want(200, "PUT", node, string(text))
	if conflict := admin.want(409, "PUT", node, string(text)); conflict["reason"] != "Conflict" {
		t.Errorf("a stale update: %v", conflict)
	}
	if missing := admin.want(404, "GET", "/api/v1/nodes/none", ""); missing["message"] != `nodes "none" not found` || missing.child("details")["kind"] != "nodes" {
		t.Errorf("missing node: %v", missing)
	}

	lease := `{"metadata":{"name":"roll"},"spec":{"holderIdentity":"me"}}`
	admin.want(201, "POST", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", lease)
	if again := admin.want(409, "POST", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", lease); again["reason"] != "AlreadyExists" {
		t.Errorf("a second lease: %v", again)
	}
	admin.want(404, "POST", "/api/v1/namespaces/nowhere/configmaps", `{"metadata":{"name":"x"}}`)
	secret := admin.want(201, "POST", "/api/v1/namespaces/default/secrets", `{"metadata":{"name":"s"},"stringData":{"k":"v"}}`)
	if secret.child("data")["k"] != "dg==" || secret["stringData"] != nil {
		t.Errorf("secret: %v", secret)
	}

	admin.accepts = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
	table := admin.want(200, "GET", "/api/v1/nodes", "")
	cells, _ := kubeList(table["rows"])[0]["cells"].([]any)
	if table["kind"] != "Table" || cells[0] != "c-server-1" || cells[1] != "Ready,SchedulingDisabled" || cells[2] != "control-plane,etcd,master" {
		t.Errorf("table: %v", cells)
	}
}

func TestKubernetesDrain(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, Options{PublicCIDR: "127.204.15.0/24"})
	p.ready("c-server-1")
	p.join("c-agent-1", p.pki.token("node", "agent"), "", nil)
	p.ready("c-agent-1")
	admin := p.admin()
	pods := "/api/v1/namespaces/kube-system/pods"
	var coredns kubeObject
	eventually(t, "coredns on the agent", func() bool {
		list := kubeList(admin.want(200, "GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dc-agent-1&labelSelector=k8s-app%3Dkube-dns", "")["items"])
		if len(list) == 1 {
			coredns = list[0]
		}
		return len(list) == 1
	})
	if static := kubeList(admin.want(200, "GET", pods+"?fieldSelector=spec.nodeName%3Dc-server-1", "")["items"]); len(static) != 5 {
		t.Errorf("%d pods on the server, want 4 static ones and the network plugin's", len(static))
	}
	budget := `{"metadata":{"name":"dns"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"k8s-app":"kube-dns"}}}}`
	admin.want(201, "POST", "/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets", budget)
	eviction := `{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"` + coredns.name() + `"}}`
	refused := admin.want(429, "POST", pods+"/"+coredns.name()+"/eviction", eviction)
	causes := kubeList(refused.child("details")["causes"])
	if refused["reason"] != "TooManyRequests" || len(causes) != 1 || causes[0]["message"] != "The disruption budget dns needs 1 healthy pods and has 1 currently" {
		t.Errorf("refused eviction: %v", refused)
	}
	admin.want(200, "DELETE", "/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets/dns", "")
	admin.patch("strategic-merge", "/api/v1/nodes/c-agent-1", `{"spec":{"unschedulable":true}}`)
	admin.want(201, "POST", pods+"/"+coredns.name()+"/eviction", eviction)
	admin.want(404, "GET", pods+"/"+coredns.name(), "")
	// Its replacement waits, because no other node takes pods without a toleration.
	eventually(t, "a waiting replacement", func() bool {
		list := kubeList(admin.want(200, "GET", pods+"?labelSelector=k8s-app%3Dkube-dns", "")["items"])
		return len(list) == 1 && list[0].name() != coredns.name() && list[0].child("status")["phase"] == "Pending"
	})
	admin.patch("strategic-merge", "/api/v1/nodes/c-agent-1", `{"spec":{"unschedulable":null}}`)
	eventually(t, "the replacement running", func() bool {
		list := kubeList(admin.want(200, "GET", pods+"?labelSelector=k8s-app%3Dkube-dns", "")["items"])
		return len(list) == 1 && list[0].child("status")["phase"] == "Running"
	})
}

func TestKubernetesWatch(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, Options{PublicCIDR: "127.204.16.0/24"})
	p.ready("c-server-1")
	admin := p.admin()
	list := admin.want(200, "GET", "/api/v1/namespaces/default/configmaps", "")
	revision := fmt.Sprint(list.child("metadata")["resourceVersion"])
	admin.want(201, "POST", "/api/v1/namespaces/default/configmaps", `{"metadata":{"name":"before"}}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, admin.url+"/api/v1/namespaces/default/configmaps?watch=true&resourceVersion="+revision, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := admin.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	admin.patch("merge", "/api/v1/namespaces/default/configmaps/before", `{"data":{"a":"b"}}`)
	admin.want(200, "DELETE", "/api/v1/namespaces/default/configmaps/before", "")
	decoder := json.NewDecoder(response.Body)
	for _, want := range []string{"ADDED", "MODIFIED", "DELETED"} {
		var event struct {
			Type   string     `json:"type"`
			Object kubeObject `json:"object"`
		}
		if err := decoder.Decode(&event); err != nil {
			t.Fatal(err)
		}
		if event.Type != want || event.Object.name() != "before" {
			t.Errorf("event %s of %s, want %s", event.Type, event.Object.name(), want)
		}
	}
}

func TestKubernetesSurvivesRestart(t *testing.T) {
	t.Parallel()
	options := Options{PublicCIDR: "127.204.17.0/24", StateFile: t.TempDir() + "/state.json"}
	p := newPlatform(t, options)
	p.ready("c-server-1")
	p.admin().patch("merge", "/api/v1/nodes/c-server-1", `{"spec":{"unschedulable":true}}`)
	if err := p.sim.Close(); err != nil {
		t.Fatal(err)
	}
	p.client = as(t, start(t, options), "demo", "demo")
	vip := p.lb
	port := p.balancers.lb(vip).str("vip_port_id")
	address := p.want(200, "GET", "/network/v2.0/floatingips?port_id="+port, "").body.objs("floatingips")[0].str("floating_ip_address")
	p.endpoint = p.listening(address + ":6443")
	admin := p.admin()
	eventually(t, "the node as it was", func() bool { return admin.nodes()["c-server-1"] == "Ready,SchedulingDisabled" })
}
