package kubernetes_test

import (
	"strings"
	"testing"

	"github.com/massif-cloud/terraform-provider-massif/internal/kubernetes"
)

func TestPorts(t *testing.T) {
	t.Parallel()
	const everywhere = "etcd 2379-2380,2381; api 6443; "
	for _, c := range []struct {
		distribution kubernetes.Distribution
		cni          string
		options      kubernetes.PortOptions
		want         string
	}{
		{kubernetes.RKE2, "cilium", kubernetes.PortOptions{}, everywhere + "supervisor 9345; kubelet 10250; vxlan 8472; cilium-health 4240; icmp"},
		{kubernetes.RKE2, "canal", kubernetes.PortOptions{}, everywhere + "supervisor 9345; kubelet 10250; vxlan 8472"},
		{kubernetes.RKE2, "flannel", kubernetes.PortOptions{}, everywhere + "supervisor 9345; kubelet 10250; vxlan 4789"},
		{kubernetes.RKE2, "calico", kubernetes.PortOptions{WireGuard: true}, everywhere + "supervisor 9345; kubelet 10250; vxlan 4789; typha 5473; wireguard 51820-51821"},
		{kubernetes.K3s, "flannel", kubernetes.PortOptions{WireGuard: true}, everywhere + "kubelet 10250; vxlan 8472; wireguard 51820-51821"},
		{kubernetes.K3s, "cilium", kubernetes.PortOptions{Hubble: true, WireGuard: true},
			everywhere + "kubelet 10250; vxlan 8472; cilium-health 4240; icmp; hubble 4244; wireguard 51871"},
		{kubernetes.K3s, "none", kubernetes.PortOptions{}, everywhere + "kubelet 10250"},
	} {
		traffic, err := kubernetes.Ports(c.distribution, c.cni, c.options)
		if err != nil {
			t.Errorf("%s, %s: %v", c.distribution, c.cni, err)
			continue
		}
		var got []string
		for _, one := range traffic {
			got = append(got, strings.TrimSpace(one.Name+" "+strings.Join(append(one.TCP, one.UDP...), ",")))
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s, %s: got %s, want %s", c.distribution, c.cni, got, c.want)
		}
	}
}

func TestPortsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cni     string
		options kubernetes.PortOptions
		want    string
	}{
		"unknown plugin":         {"weave", kubernetes.PortOptions{}, "calico, canal, cilium, flannel, none"},
		"Hubble without Cilium":  {"canal", kubernetes.PortOptions{Hubble: true}, "hubble belongs to cilium"},
		"WireGuard of no plugin": {"none", kubernetes.PortOptions{WireGuard: true}, "there is none"},
	} {
		if _, err := kubernetes.Ports(kubernetes.RKE2, c.cni, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
