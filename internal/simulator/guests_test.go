package simulator

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	proxyproto "github.com/pires/go-proxyproto"
)

// webGuest is a guest with one port, whose requests come behind a PROXY protocol header.
type webGuest struct {
	machine  Machine
	server   *http.Server
	listener net.Listener
	pressed  chan struct{} // closed when the power button is pressed
	off      chan struct{} // closed to let the guest end
	killed   chan struct{}
}

func (g *webGuest) Address(port int) string {
	if port != 80 {
		return ""
	}
	return g.listener.Addr().String()
}

func (g *webGuest) Shutdown() {
	close(g.pressed)
	<-g.off
}

func (g *webGuest) Kill() {
	_ = g.server.Close()
	close(g.killed)
}

func newWebGuest(t *testing.T, m Machine) *webGuest {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &webGuest{machine: m, listener: listener, pressed: make(chan struct{}), off: make(chan struct{}), killed: make(chan struct{})}
	g.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.RemoteAddr)
	})}
	go func() { _ = g.server.Serve(&proxyproto.Listener{Listener: listener, ReadHeaderTimeout: time.Second}) }()
	return g
}

// A guest boots with its server, gets what the load balancer sends, has its time to shut down, and ends with its server.
func TestGuestsFollowTheirServers(t *testing.T) {
	t.Parallel()
	booted := make(chan *webGuest, 1)
	c := asOctavia(t, start(t, Options{PublicCIDR: "127.204.19.0/24", Boot: func(m Machine) Guest {
		g := newWebGuest(t, m)
		booted <- g
		return g
	}}), "10.1.0.0/24")
	id, address := c.boot("one", `,"user_data":"I2Nsb3VkLWNvbmZpZw=="`)
	guest := <-booted
	if guest.machine.ID != id || guest.machine.Name != "one" || string(guest.machine.UserData) != "#cloud-config" {
		t.Errorf("booted as %+v", guest.machine)
	}
	for version, protocol := range []string{"PROXY", "PROXYV2"} {
		lb := c.want(201, "POST", lbaas+"loadbalancers", fmt.Sprintf(`{"loadbalancer":{"vip_subnet_id":%q,"listeners":[{"protocol":"TCP","protocol_port":7000,
			"default_pool":{"name":"p","protocol":%q,"lb_algorithm":"ROUND_ROBIN","members":[{"address":%q,"protocol_port":80}]}}]}}`, c.subnet, protocol, address)).body.obj("loadbalancer")
		c.active(lb.str("id"))
		listen := c.listening(c.floatingIP(lb.str("vip_port_id")) + ":7000")
		client := plainClient()
		client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 9, 8, byte(7+version))}}).DialContext}
		eventually(t, "the guest answers", func() bool {
			response, err := client.Get("http://" + listen) //nolint:noctx // the test's end ends it
			if err != nil {
				return false
			}
			text, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			return err == nil && strings.HasPrefix(string(text), fmt.Sprintf("127.9.8.%d:", 7+version))
		})
	}

	status := func() string {
		return c.want(200, "GET", "/compute/v2.1/servers/"+id, "").body.obj("server").str("status")
	}
	c.want(202, "POST", "/compute/v2.1/servers/"+id+"/action", `{"os-stop":null}`)
	<-guest.pressed
	time.Sleep(20 * time.Millisecond)
	if got := status(); got != "ACTIVE" {
		t.Errorf("the server is %s while its guest still runs", got)
	}
	close(guest.off)
	eventually(t, "the server off", func() bool { return status() == "SHUTOFF" })
	<-guest.killed
	c.want(202, "POST", "/compute/v2.1/servers/"+id+"/action", `{"os-start":null}`)
	guest = <-booted
	c.want(204, "DELETE", "/compute/v2.1/servers/"+id, "")
	<-guest.killed
}
