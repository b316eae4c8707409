package kubernetes

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// serveTLS serves with a certificate of the cluster's server authority and asks for
// a client certificate of its client authority, as an API server does.
func serveTLS(t *testing.T, bundle *Bundle, handler http.Handler) *httptest.Server {
	t.Helper()
	issuerKey, err := parseKey(bundle.ServerCA.Key)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	chain := certificates(t, bundle.ServerCA.Certificate)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, chain[0], key.Public(), issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(bundle.ClientCA.Certificate))
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		ClientAuth:   tls.VerifyClientCertIfGiven, ClientCAs: clients, MinVersion: tls.VersionTLS12,
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestClientReachesTheAPIWithTheBundleAlone(t *testing.T) {
	bundle := testBundle(t, time.Now())
	var refusals atomic.Int32
	refusals.Store(2)
	server := serveTLS(t, bundle, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 || !slices.Contains(r.TLS.PeerCertificates[0].Subject.Organization, AdminGroup) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path != "/readyz" || refusals.Add(-1) >= 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	admin, err := bundle.NewAdminCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	access := Access{
		Cluster: "prod", Server: server.URL, CertificateAuthority: bundle.ServerCA.Certificate,
		ClientCertificate: admin.Certificate, ClientKey: admin.Key,
	}
	client, err := NewClient(access)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.WaitReady(t.Context()); err != nil {
		t.Error(err)
	}

	stranger := access
	stranger.CertificateAuthority = testBundle(t, time.Now()).ServerCA.Certificate
	if client, err = NewClient(stranger); err != nil {
		t.Fatal(err)
	}
	checkError(t, "another cluster's authority", client.Ready(t.Context()), "certificate")

	if _, err := NewClient(Access{Cluster: "prod", Server: server.URL, ClientCertificate: "x", ClientKey: "y"}); err == nil {
		t.Error("a broken certificate must be an error")
	}
}

// What the API said counts, not that the last request was cut off.
func TestWaitReadyEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asked atomic.Int32
	bundle := testBundle(t, time.Now())
	server := serveTLS(t, bundle, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 2 {
			cancel()
			<-r.Context().Done()
		}
		http.Error(w, "etcd failed", http.StatusInternalServerError)
	}))
	client, err := NewClient(Access{Cluster: "prod", Server: server.URL, CertificateAuthority: bundle.ServerCA.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	err = client.WaitReady(ctx)
	checkError(t, "a broken API", err, "etcd failed")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the end of the context is lost: %v", err)
	}
}

func node(name string, ready corev1.ConditionStatus, labels ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}}}
	for _, label := range labels {
		n.Labels["node-role.kubernetes.io/"+label] = "true"
	}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready, Reason: "KubeletNotReady", Message: "cni plugin not initialized"}}
	return n
}

func TestWaitNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		learner := node("learner", corev1.ConditionTrue, "control-plane", "etcd")
		learner.Status.Conditions = append(learner.Status.Conditions, corev1.NodeCondition{Type: "EtcdIsVoter", Status: corev1.ConditionFalse, Reason: "MemberIsLearner"})
		client := &Client{cluster: "prod", api: fake.NewClientset(
			node("agent", corev1.ConditionTrue), node("server", corev1.ConditionTrue, "control-plane", "etcd"),
			node("sick", corev1.ConditionFalse), learner,
		)}
		for _, test := range []struct {
			name string
			role Role
			want string
		}{
			{"agent", RoleAgent, ""},
			{"server", RoleServer, ""},
			{"agent", RoleServer, "control-plane is missing"},
			{"sick", RoleAgent, "cni plugin not initialized"},
			{"learner", RoleServer, "MemberIsLearner"},
			{"absent", RoleAgent, "not registered"},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			checkError(t, test.name+" as "+string(test.role), client.WaitNode(ctx, test.name, test.role), test.want)
			cancel()
		}

		nodes, err := client.Nodes(t.Context())
		if err != nil || len(nodes) != 4 || !nodes["agent"].Ready || nodes["sick"].Ready {
			t.Errorf("%v, %v", nodes, err)
		}
	})
}

// evicting is a fake cluster that knows evictions and refuses those of guarded pods.
func evicting(objects ...k8sruntime.Object) *fake.Clientset {
	api := fake.NewClientset(objects...)
	api.Resources = []*metav1.APIResourceList{{
		GroupVersion: "v1",
		APIResources: []metav1.APIResource{{Name: "pods/eviction", Kind: "Eviction", Group: "policy", Version: "v1"}},
	}}
	api.PrependReactor("create", "pods/eviction", func(action clienttesting.Action) (bool, k8sruntime.Object, error) {
		create, ok := action.(clienttesting.CreateAction)
		if !ok {
			return true, nil, errors.New("not a create action")
		}
		eviction, ok := create.GetObject().(*policyv1.Eviction)
		if !ok {
			return true, nil, errors.New("not an eviction")
		}
		if strings.HasPrefix(eviction.Name, "guarded") {
			return true, nil, apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
		}
		return true, nil, api.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), eviction.Namespace, eviction.Name)
	})
	return api
}

func pod(name, node string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", Labels: map[string]string{"app": strings.SplitN(name, "-", 2)[0]}},
		Spec:       corev1.PodSpec{NodeName: node},
	}
}

func TestDrain(t *testing.T) {
	api := evicting(node("a", corev1.ConditionTrue), pod("cart-1", "a"), pod("cart-2", "a"))
	client := &Client{api: api, cluster: "prod"}
	if err := client.Drain(t.Context(), "a", 10*time.Second); err != nil {
		t.Fatal(err)
	}
	pods, err := api.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != 0 {
		t.Errorf("%d pods are left, %v", len(pods.Items), err)
	}
	drained, err := api.CoreV1().Nodes().Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil || !drained.Spec.Unschedulable {
		t.Errorf("the drained node takes pods again, %v", err)
	}
	if err := client.DeleteNode(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if err := client.DeleteNode(t.Context(), "a"); err != nil {
		t.Errorf("a node that is gone is deleted: %v", err)
	}
	if err := client.Drain(t.Context(), "a", time.Second); err != nil {
		t.Errorf("a node that is gone is drained: %v", err)
	}
}

func TestDrainNamesTheBudgetAndUncordons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := &policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Name: "keep-one", Namespace: "shop"},
			Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "guarded"}}},
		}
		api := evicting(node("a", corev1.ConditionTrue), pod("guarded-1", "a"), budget)
		client := &Client{api: api, cluster: "prod"}
		err := client.Drain(t.Context(), "a", 100*time.Millisecond)
		checkError(t, "a guarded pod", err, "PodDisruptionBudget shop/keep-one allows no disruption of pod guarded-1")
		kept, getErr := api.CoreV1().Nodes().Get(t.Context(), "a", metav1.GetOptions{})
		if getErr != nil || kept.Spec.Unschedulable {
			t.Errorf("the node stays cordoned after a failed drain, %v", getErr)
		}
	})
}

func TestDeleteNodeWaitsForEtcd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := fake.NewClientset(node("server", corev1.ConditionTrue))
		api.PrependReactor("delete", "nodes", func(clienttesting.Action) (bool, k8sruntime.Object, error) { return true, nil, nil })
		client := &Client{api: api, cluster: "prod"}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		checkError(t, "a node with finalizers", client.DeleteNode(ctx, "server"), "to be gone")
	})
}

func TestRelabel(t *testing.T) {
	n := node("a", corev1.ConditionTrue)
	n.Labels = map[string]string{"tier": "web", "old": "x", "kept": "y"}
	n.Spec.Taints = []corev1.Taint{
		{Key: "dedicated", Value: "web", Effect: corev1.TaintEffectNoSchedule},
		{Key: "node.kubernetes.io/unreachable", Effect: corev1.TaintEffectNoExecute},
	}
	api := fake.NewClientset(n)
	client := &Client{api: api, cluster: "prod"}
	err := client.Relabel(t.Context(), "a", LabelChange{
		OldLabels: map[string]string{"tier": "web", "old": "x"}, Labels: map[string]string{"tier": "db"},
		OldTaints: n.Spec.Taints[:1], Taints: []corev1.Taint{{Key: "dedicated", Value: "db", Effect: corev1.TaintEffectNoExecute}},
	})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := client.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	labels, _ := json.Marshal(changed["a"].Labels)
	if string(labels) != `{"kept":"y","tier":"db"}` {
		t.Errorf("labels %s", labels)
	}
	if want := []string{"node.kubernetes.io/unreachable:NoExecute", "dedicated=db:NoExecute"}; !slices.Equal(changed["a"].Taints, want) {
		t.Errorf("taints %v", changed["a"].Taints)
	}
}

func TestSetSnapshotTarget(t *testing.T) {
	api := fake.NewClientset()
	client := &Client{api: api, cluster: "prod"}
	for _, key := range []string{"first", "second"} {
		if err := client.SetSnapshotTarget(t.Context(), S3{Endpoint: "s3.example", Bucket: "b", AccessKey: "a", SecretKey: key}); err != nil {
			t.Fatal(err)
		}
		stored, err := api.CoreV1().Secrets("kube-system").Get(t.Context(), "massif-etcd-snapshot-s3", metav1.GetOptions{})
		if err != nil || stored.StringData["etcd-s3-secret-key"] != key || stored.StringData["etcd-s3-insecure"] != "false" {
			t.Errorf("%+v, %v", stored, err)
		}
	}
}

func TestVictims(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	nodes := []Candidate{
		{Name: "oldest", Ready: true, Current: true, Zone: "a", Created: day(1)},
		{Name: "newest", Ready: true, Current: true, Zone: "a", Created: day(9)},
		{Name: "middle", Ready: true, Current: true, Zone: "a", Created: day(5)},
		{Name: "lone", Ready: true, Current: true, Zone: "b", Created: day(10)},
		{Name: "old-spec", Ready: true, Zone: "b", Created: day(2)},
		{Name: "sick", Current: true, Zone: "a", Created: day(1)},
	}
	var names []string
	for _, victim := range Victims(nodes, 99) {
		names = append(names, victim.Name)
	}
	if want := []string{"sick", "old-spec", "newest", "middle", "lone", "oldest"}; !slices.Equal(names, want) {
		t.Errorf("order %v, want %v", names, want)
	}
	if got := Victims(nodes, 0); len(got) != 0 {
		t.Errorf("none asked, %v chosen", got)
	}
}
