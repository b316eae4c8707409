package kubernetes

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the golden files anew")

func rke2(t *testing.T) Node {
	return Node{
		Name: "prod-servers-b2c4d", Version: version(t, "v1.34.1+rke2r1"), Role: RoleServer,
		Token: "K10aa::server:s", AgentToken: "K10aa::node:a", Registration: "https://10.2.1.5:9345",
		Settings: Settings{
			ClusterCIDR: "10.42.0.0/16", ServiceCIDR: "10.43.0.0/16", CNI: "cilium", Disable: []string{"rke2-ingress-nginx"},
			TLSSANs: []string{"10.2.1.5", "203.0.113.9"}, CloudProvider: CloudProviderExternal,
			Snapshots: &Snapshots{Schedule: "0 */6 * * *", Retention: 20},
		},
		Manifests: map[string]string{"massif-admins.yaml": AdminManifest()},
	}
}

func goldenNodes(t *testing.T) map[string]Node {
	first := rke2(t)
	first.First = true
	first.Seed = map[string]string{"server-ca.crt": "CERT\n", "etcd/peer-ca.key": "KEY\n"}

	agent := rke2(t)
	agent.Role, agent.Token, agent.AgentToken = RoleAgent, "K10aa::node:a", ""
	agent.Name = "prod-web-b2c4d"
	agent.Labels = map[string]string{"tier": "web", "example.com/zone": "a"}
	agent.Taints = []string{"dedicated=web:NoSchedule"}
	agent.Extra = map[string]any{"kubelet-arg": []any{"max-pods=200"}, "node-label": "x=y"}

	k3sFirst := first
	k3sFirst.Version, k3sFirst.Registration = version(t, "v1.34.1+k3s1"), "https://10.2.1.5:6443"
	k3sFirst.Settings.CNI = "none"
	k3sAgent := agent
	k3sAgent.Version, k3sAgent.Registration = k3sFirst.Version, k3sFirst.Registration
	k3sAgent.Install = Install{URL: "https://mirror.example/k3s/", SHA256: "abc"}

	return map[string]Node{"rke2-first": first, "rke2-server": rke2(t), "rke2-agent": agent, "k3s-first": k3sFirst, "k3s-agent": k3sAgent}
}

func TestUserDataGolden(t *testing.T) {
	for name, node := range goldenNodes(t) {
		t.Run(name, func(t *testing.T) {
			data, err := node.UserData()
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(data, want) {
				t.Errorf("user data is not as in %s (run with -update and look at the difference):\n%s", golden, data)
			}
		})
	}
}

func TestUserDataPassesTheCloudInitSchema(t *testing.T) {
	program, err := exec.LookPath("cloud-init")
	if err != nil {
		t.Skip("cloud-init is not installed")
	}
	for name := range goldenNodes(t) {
		t.Run(name, func(t *testing.T) {
			output, err := exec.CommandContext(t.Context(), program, "schema", "--config-file", filepath.Join("testdata", name+".yaml")).CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, output)
			}
		})
	}
}

func TestBootstrapPassesShellcheck(t *testing.T) {
	program, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed")
	}
	if output, err := exec.CommandContext(t.Context(), program, "scripts/bootstrap.sh").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}

func TestAgentsKnowNoSecretOfServers(t *testing.T) {
	bundle := testBundle(t, time.Now())
	token, err := bundle.AgentToken()
	if err != nil {
		t.Fatal(err)
	}
	agent := rke2(t)
	agent.Role, agent.Token, agent.AgentToken = RoleAgent, token, token
	agent.Seed = bundle.SeedFiles()
	data, err := agent.UserData()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"PRIVATE KEY", bundle.ServerSecret, "agent-token", "etcd-s3"} {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("an agent's user data holds %s", secret)
		}
	}
}

func TestRealFirstServerFits(t *testing.T) {
	bundle := testBundle(t, time.Now())
	node := rke2(t)
	node.First, node.Seed = true, bundle.SeedFiles()
	data, err := node.UserData()
	if err != nil {
		t.Fatal(err)
	}
	if size := base64.StdEncoding.EncodedLen(len(data)); !bytes.HasPrefix(data, []byte("#cloud-config\n")) || size > MaxUserData/2 {
		t.Errorf("%d bytes begin with %q", size, data[:20])
	}
}

func TestLargeUserDataIsCompressedOrRefused(t *testing.T) {
	node := rke2(t)
	node.Extra = map[string]any{"kube-apiserver-arg": []any{strings.Repeat("long ", 20_000)}}
	packed, err := node.UserData()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(reader); err != nil || !bytes.HasPrefix(plain, []byte("#cloud-config\n")) {
		t.Errorf("%v: %.40s", err, plain)
	}

	noise := make([]byte, 80_000)
	random := rand.NewChaCha8([32]byte{})
	if _, err := random.Read(noise); err != nil {
		t.Fatal(err)
	}
	node.Extra = map[string]any{"x": hex.EncodeToString(noise)}
	_, err = node.UserData()
	checkError(t, "too large", err, "65535")
}

func TestExtraConfig(t *testing.T) {
	extra, err := ParseExtraConfig("profile: cis\nkube-apiserver-arg: [\"v=2\"]\n")
	if err != nil || extra["profile"] != "cis" {
		t.Errorf("%v, %v", extra, err)
	}
	for text, want := range map[string]string{
		"token: x": "token is set by the provider", "etcd-s3-bucket: x": "attribute backup", "- a": "YAML map", "a: [": "YAML map",
	} {
		_, err := ParseExtraConfig(text)
		checkError(t, text, err, want)
	}
}

func TestSpecHash(t *testing.T) {
	spec := Spec{Version: "v1.34.1+rke2r1", Flavor: "a2", Image: "Debian 12", Disable: []string{"x"}}
	hash, err := spec.Hash()
	if err != nil || hash != "5dee95096dad" {
		// A hash that changes with a release of the provider would roll every node.
		t.Errorf("hash %q, %v", hash, err)
	}
	other := spec
	other.Image = "Debian 13"
	if changed, err := other.Hash(); err != nil || changed == hash {
		t.Errorf("another image has the same hash %q, %v", changed, err)
	}
}

// machine is a scratch root on which the bootstrap script runs, with a mirror of a
// release that holds a stub, and a systemctl that writes down what it is told.
type machine struct {
	root, mirror, bin string
}

func newMachine(t *testing.T, node *Node) machine {
	return newMachineBehind(t, node, "https://127.0.0.1:1")
}

func newMachineBehind(t *testing.T, node *Node, registration string) machine {
	t.Helper()
	for _, program := range []string{"sh", "curl", "tar", "sha256sum", "awk"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	dir := t.TempDir()
	m := machine{filepath.Join(dir, "root"), filepath.Join(dir, "mirror"), filepath.Join(dir, "bin")}
	node.Install.URL = "file://" + m.mirror
	node.Registration = registration

	stub := "#!/bin/sh\necho \"" + string(node.Version.Distribution) + " version " + node.Version.String() + " (abcdef)\"\n"
	name, artifact := string(node.Version.Distribution), []byte(stub)
	arch := map[string]string{"amd64": "amd64", "arm64": "arm64"}[runtime.GOARCH]
	if node.Version.Distribution == RKE2 {
		name, artifact = "rke2.linux-"+arch+".tar.gz", tarball(t, stub)
	} else if arch != "amd64" {
		name += "-" + arch
	}
	digest := sha256.Sum256(artifact)
	folder := filepath.Join(m.mirror, node.Version.String())
	writeFile(t, filepath.Join(folder, name), artifact, 0o644)
	writeFile(t, filepath.Join(folder, "sha256sum-"+arch+".txt"), []byte(hex.EncodeToString(digest[:])+"  "+name+"\n"), 0o644)
	writeFile(t, filepath.Join(m.bin, "systemctl"), []byte("#!/bin/sh\necho \"$*\" >>\"$MASSIF_ROOT/systemctl\"\n"), 0o755)

	data, err := node.UserData()
	if err != nil {
		t.Fatal(err)
	}
	var config cloudConfig
	if err := yaml.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	for _, file := range config.WriteFiles {
		mode := os.FileMode(0o600)
		if file.Permissions == "0700" {
			mode = 0o700
		}
		writeFile(t, filepath.Join(m.root, file.Path), []byte(file.Content), mode)
	}
	return m
}

func (m machine) run(t *testing.T) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join(m.root, stateDir, "bootstrap.sh"))
	command.Env = []string{"MASSIF_ROOT=" + m.root, "MASSIF_RETRY_DELAY=1", "PATH=" + m.bin + ":" + os.Getenv("PATH")}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return string(output)
}

func (m machine) read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func (m machine) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(m.root, path))
	return err == nil
}

func tarball(t *testing.T, program string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipper := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipper)
	if err := archive.WriteHeader(&tar.Header{Name: "bin/rke2", Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Write([]byte(program)); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipper.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func writeFile(t *testing.T, path string, content []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
}

func TestBootstrapFoundsACluster(t *testing.T) {
	node := rke2(t)
	node.First, node.Seed = true, testBundle(t, time.Now()).SeedFiles()
	m := newMachine(t, &node)
	m.run(t)

	if got := m.read(t, "systemctl"); got != "daemon-reload\nenable rke2-server\nstart rke2-server\n" {
		t.Errorf("systemctl was told %q", got)
	}
	for name, content := range node.Seed {
		if m.read(t, "/var/lib/rancher/rke2/server/tls/"+name) != content {
			t.Errorf("%s is not what was staged", name)
		}
	}
	key, err := os.Stat(filepath.Join(m.root, "/var/lib/rancher/rke2/server/tls/client-ca.key"))
	if err != nil || key.Mode().Perm() != 0o600 {
		t.Errorf("the key of an authority: %v, %v", key.Mode(), err)
	}
	if !strings.Contains(m.read(t, "/var/lib/rancher/rke2/server/manifests/massif-admins.yaml"), AdminGroup) {
		t.Error("the manifest is missing")
	}
	if m.exists(stateDir + "/seed") {
		t.Error("the staged keys were left behind")
	}
	if program, err := os.Stat(filepath.Join(m.root, "/usr/local/bin/rke2")); err != nil || program.Mode().Perm()&0o111 == 0 {
		t.Errorf("the program: %v", err)
	}
}

func TestBootstrapKeepsADatabase(t *testing.T) {
	node := rke2(t)
	node.First, node.Seed = true, testBundle(t, time.Now()).SeedFiles()
	m := newMachine(t, &node)
	writeFile(t, filepath.Join(m.root, "/var/lib/rancher/rke2/server/db/etcd"), nil, 0o600)
	m.run(t)
	if m.exists("/var/lib/rancher/rke2/server/tls") {
		t.Error("the authorities of a cluster that exists were touched")
	}
}

func TestBootstrapNeverFoundsASecondCluster(t *testing.T) {
	bundle := testBundle(t, time.Now())
	server := serveTLS(t, bundle, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/cacerts" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	node := goldenNodes(t)["k3s-first"]
	node.Seed = bundle.SeedFiles()
	m := newMachineBehind(t, &node, server.URL)
	m.run(t)
	if got := m.read(t, "/etc/rancher/k3s/config.yaml.d/90-join.yaml"); got != "server: "+server.URL+"\ncluster-init: false\n" {
		t.Errorf("the configuration to join is %q", got)
	}
	if m.exists("/var/lib/rancher/k3s/server/tls") {
		t.Error("a joining server fetches the authorities; none may be seeded")
	}

	// Something else at that address, such as a stranger's cluster, is no reason to join.
	stranger := serveTLS(t, testBundle(t, time.Now()), http.NotFoundHandler())
	m = newMachineBehind(t, &node, stranger.URL)
	m.run(t)
	if !m.exists("/var/lib/rancher/k3s/server/tls/server-ca.key") {
		t.Error("a stranger's answer kept the cluster from being founded")
	}
}

func TestBootstrapInstallsK3s(t *testing.T) {
	node := goldenNodes(t)["k3s-agent"]
	node.Install.SHA256 = ""
	m := newMachine(t, &node)
	m.run(t)
	if got := m.read(t, "systemctl"); !strings.HasSuffix(got, "start k3s-agent\n") {
		t.Errorf("systemctl was told %q", got)
	}
	if output := m.run(t); !strings.Contains(output, "is in the image") {
		t.Errorf("a second run must not install again: %s", output)
	}
}

func TestBootstrapRefusesAChangedArtifact(t *testing.T) {
	node := rke2(t)
	m := newMachine(t, &node)
	sums, err := filepath.Glob(filepath.Join(m.mirror, "*", "sha256sum-*.txt"))
	if err != nil || len(sums) != 1 {
		t.Fatalf("%v, %v", sums, err)
	}
	right, err := os.ReadFile(sums[0])
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, sums[0], append([]byte("0000"), right[4:]...), 0o644)

	command := exec.CommandContext(t.Context(), filepath.Join(m.root, stateDir, "bootstrap.sh"))
	command.Env = []string{"MASSIF_ROOT=" + m.root, "MASSIF_RETRY_DELAY=1", "PATH=" + m.bin + ":" + os.Getenv("PATH")}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	// The mirror is mended after the first refusal: the script must go on by itself.
	var seen strings.Builder
	chunk := make([]byte, 4096)
	for {
		n, err := output.Read(chunk)
		seen.Write(chunk[:n])
		if strings.Contains(seen.String(), "trying again") {
			if m.exists("/usr/local/bin/rke2") {
				t.Error("an artifact of the wrong checksum was installed")
			}
			break
		}
		if err != nil {
			t.Fatalf("%v: %s", err, seen.String())
		}
	}
	writeFile(t, sums[0], right, 0o644)
	if _, err := io.Copy(&seen, output); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("%v: %s", err, seen.String())
	}
	if !strings.Contains(seen.String(), "does not have the checksum") || !m.exists("/usr/local/bin/rke2") {
		t.Error(seen.String())
	}
}
