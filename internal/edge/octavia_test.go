package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// octavia renders the HAProxy of a load balancer from Octavia's own templates.
const octavia = "../realcloud/octavia-render"

// create sends a body and gives the id of what came of it; it is deleted when the test ends.
func create(t *testing.T, client *gophercloud.ServiceClient, path, kind string, body jsonObject) (id string) {
	t.Helper()
	var made map[string]struct {
		ID string `json:"id"`
	}
	if _, err := client.Post(t.Context(), client.ServiceURL(path), jsonObject{kind: body}, &made, &gophercloud.RequestOpts{OkCodes: []int{201, 202}}); err != nil {
		t.Fatal(err)
	}
	id = made[kind].ID
	t.Cleanup(func() {
		eventually(t, time.Minute, kind+" is deleted", func() error {
			_, err := client.Delete(context.WithoutCancel(t.Context()), client.ServiceURL(path, id)+"?cascade=true", nil)
			if openstack.NotFound(err) {
				return nil
			}
			if kind == "loadbalancer" && err == nil {
				return fmt.Errorf("not yet gone")
			}
			return err
		})
	})
	return id
}

func TestBehindOctaviasHAProxy(t *testing.T) {
	directory := os.Getenv("REALCLOUD_DIR")
	if directory == "" {
		directory = "/tmp/massif-openstack"
	}
	if os.Getenv("OS_CLOUD") == "" || os.Getenv("OS_CLIENT_CONFIG_FILE") != filepath.Join(directory, "clouds.yaml") {
		t.Skip("needs the real OpenStack of this machine: its Octavia renders the HAProxy")
	}
	t.Parallel()
	p := newProxy(t)
	p.configure(t, reverseproxy.Config{Upstreams: map[string]reverseproxy.Upstream{"shop": single(backend(t, "shop"))}})
	p.routes(t, "customers", reverseproxy.Routes{"a.example.ch": "shop"})
	behind := func(s *Settings) {
		s.ProxyProtocolFrom, s.DrainDelay = []string{"127.0.0.0/8"}, reverseproxy.Duration(6*time.Second)
	}
	one, two := p.start(t, "node-1", behind), p.start(t, "node-2", behind)

	network, err := p.cloud.Network()
	if err != nil {
		t.Fatal(err)
	}
	name := p.settings.Container
	net1 := create(t, network, "networks", "network", jsonObject{"name": name})
	subnet := create(t, network, "subnets", "subnet", jsonObject{"name": name, "network_id": net1, "cidr": "10.213.0.0/24", "ip_version": 4})
	balancers, err := p.cloud.LoadBalancer()
	if err != nil {
		t.Fatal(err)
	}
	members := []any{}
	for _, n := range []*node{one, two} {
		members = append(members, jsonObject{"address": "127.0.0.1", "protocol_port": portOf(t, n.settings.HTTP), "monitor_port": portOf(t, n.settings.Metrics)})
	}
	id := create(t, balancers, "lbaas/loadbalancers", "loadbalancer", jsonObject{
		"name": name, "vip_subnet_id": subnet, "listeners": []any{jsonObject{
			"name": "http", "protocol": "TCP", "protocol_port": 80, "default_pool": jsonObject{
				"name": "nodes", "protocol": "PROXYV2", "lb_algorithm": "ROUND_ROBIN", "members": members,
				"healthmonitor": jsonObject{"type": "HTTP", "url_path": "/healthz", "delay": 1, "timeout": 1, "max_retries": 1, "max_retries_down": 2},
			},
		}},
	})
	eventually(t, 3*time.Minute, "the load balancer is ACTIVE", func() error {
		var found struct {
			LoadBalancer struct {
				Status string `json:"provisioning_status"`
			} `json:"loadbalancer"`
		}
		if _, err := balancers.Get(t.Context(), balancers.ServiceURL("lbaas/loadbalancers", id), &found, nil); err != nil || found.LoadBalancer.Status != "ACTIVE" {
			return fmt.Errorf("%s: %w", found.LoadBalancer.Status, err)
		}
		return nil
	})
	render := func(action string) []byte {
		t.Helper()
		var complaints bytes.Buffer
		command := exec.Command(octavia, id, action)
		command.Stderr = &complaints
		out, err := command.Output()
		if err != nil {
			t.Fatalf("octavia-render %s: %v\n%s", action, err, complaints.Bytes())
		}
		return out
	}
	var running struct{ Address, Config string }
	if err := json.Unmarshal(render("--run"), &running); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { render("--stop") })
	config, err := os.ReadFile(running.Config)
	if err != nil || strings.Count(string(config), "send-proxy-v2") != 2 {
		t.Errorf("Octavia does not send the PROXY protocol to both nodes: %v\n%s", err, config)
	}
	address := net.JoinHostPort(running.Address, "80")
	eventually(t, time.Minute, "both nodes are used", func() error {
		if _, err := once(client(address, nil), "http://a.example.ch/"); err != nil {
			return err
		}
		for _, n := range []*node{one, two} {
			if !strings.Contains(n.logs.String(), accessLogger) {
				return fmt.Errorf("%s is not", n.name)
			}
		}
		return nil
	})
	resp, _ := ask(t, client(address, nil), http.MethodGet, "http://a.example.ch/", nil)
	if got := resp.Header.Get("X-Client"); got == "" || got == running.Address {
		t.Errorf("the target was told of the client %q", got)
	}
	load := startLoad(t, 8, address, nil, "http://HOST/", "a.example.ch")
	eventually(t, time.Minute, "requests are answered", func() error {
		if load.count() < 500 {
			return fmt.Errorf("%d", load.count())
		}
		return nil
	})
	one.stop(t)
	one.stopped(t)
	after := load.count()
	eventually(t, time.Minute, "requests go on", func() error {
		if load.count() < after+500 {
			return fmt.Errorf("%d", load.count()-after)
		}
		return nil
	})
	load.nothingLost(t)
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return number
}
