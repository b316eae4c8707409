package simulator

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kubernetes is the state of the clusters that servers of the cloud run.
type kubernetes struct {
	sim *Simulator

	Clusters map[string]*cluster
	Machines map[string]*machine // by server id
}

// machine is a server that runs a node.
type machine struct {
	Server  string // id
	Name    string // of the node
	Config  *nodeConfig
	Cluster string // id, "" as long as it has not joined
	// Serving is set when the node's processes answer.
	Serving bool
	Said    string // the last complaint, so that the console has it once
}

func newKubernetes(s *Simulator) *kubernetes {
	return &kubernetes{sim: s, Clusters: map[string]*cluster{}, Machines: map[string]*machine{}}
}

// service keeps the clusters in the state file. It has no endpoint in the catalog.
func (k *kubernetes) service() *service {
	return &service{
		kind: "kubernetes", prefix: "/simulator-kubernetes", state: k, resume: k.resume,
	}
}

// watch makes the clusters follow the servers. It runs once, when all services exist.
func (k *kubernetes) watch() {
	compute := k.sim.compute
	compute.booted = append(compute.booted, k.booted)
	compute.stopped = append(compute.stopped, func(server object) {
		k.lost(server.str("id"))
		k.sim.dataPlane.cut(server.str("id"))
	})
	compute.deleted = append(compute.deleted, func(server object) {
		k.sim.dataPlane.cut(server.str("id"))
		m := k.Machines[server.str("id")]
		k.lost(server.str("id"))
		delete(k.Machines, server.str("id"))
		if m != nil {
			k.forget(m.Cluster)
		}
	})
}

// forget drops a cluster when its last server is gone, for nobody can bring it back.
func (k *kubernetes) forget(id string) {
	for _, m := range k.Machines {
		if m.Cluster == id {
			return
		}
	}
	if c := k.Clusters[id]; c != nil {
		c.stop()
		delete(k.Clusters, id)
	}
}

func (k *kubernetes) close() {
	clusters := []*cluster{}
	k.sim.locked(func() { clusters = slices.AppendSeq(clusters, maps.Values(k.Clusters)) })
	for _, c := range clusters {
		c.stop()
	}
}

// resume serves the clusters of a state file again and continues what had not joined.
func (k *kubernetes) resume() {
	for _, c := range k.Clusters {
		k.serve(c)
	}
	for id, m := range k.Machines {
		switch c := k.Clusters[m.Cluster]; {
		case c == nil:
			k.attempt(id)
		case m.Serving:
			k.readyLater(c, m)
		default:
			k.startLater(c, m)
		}
	}
}

// booted looks at what the user data makes of a server.
func (k *kubernetes) booted(server object) {
	id := server.str("id")
	if m := k.Machines[id]; m != nil {
		// A node that knows its cluster comes back by itself.
		if c := k.Clusters[m.Cluster]; c != nil {
			k.startLater(c, m)
		}
		return
	}
	config, err := parseUserData(k.sim.compute.userData(server))
	if err != nil {
		k.sim.compute.print(server, "cloud-init: failed to read user data: "+err.Error())
		return
	}
	if config == nil {
		return
	}
	k.Machines[id] = &machine{Server: id, Name: cmp.Or(config.Name, server.str("hostname")), Config: config}
	k.attempt(id)
}

// lost makes the node of a server that stopped or is gone NotReady.
func (k *kubernetes) lost(server string) {
	m := k.Machines[server]
	if m == nil {
		return
	}
	m.Serving = false
	c := k.Clusters[m.Cluster]
	if c == nil {
		return
	}
	name := m.Name
	k.sim.after(k.sim.options.Times.NodeReady, func() {
		if current := k.Machines[server]; current == nil || !current.Serving {
			c.setReady(name, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
		}
	})
}

// attempt founds a cluster or joins one, and tries again later when that does not work.
func (k *kubernetes) attempt(id string) {
	m, server := k.Machines[id], k.sim.compute.Servers[id]
	if m == nil || server == nil || m.Cluster != "" {
		return
	}
	c, err := k.enter(m, server)
	if err == nil {
		m.Cluster, m.Said = c.ID, ""
		k.say(m, "info", "Starting "+m.Config.Distribution+" "+m.Config.Version)
		k.startLater(c, m)
		return
	}
	if err.Error() != m.Said {
		m.Said = err.Error()
		k.say(m, "fatal", err.Error())
	}
	k.sim.after(max(25*time.Millisecond, k.sim.options.Times.NodeReady/5), func() { k.attempt(id) })
}

// say writes a line of the distribution's log to the console of a server.
func (k *kubernetes) say(m *machine, level, message string) {
	if server := k.sim.compute.Servers[m.Server]; server != nil {
		unit := m.Config.Distribution
		k.sim.compute.print(server, fmt.Sprintf("%s[1024]: time=%q level=%s msg=%q", unit, now(), level, message))
	}
}

// enter is the first start of a node: into a cluster that exists, or into its own.
func (k *kubernetes) enter(m *machine, server object) (*cluster, error) {
	if m.Config.Join != "" {
		return k.join(m, server, m.Config.Join)
	}
	if m.Config.Agent {
		return nil, errors.New("--server is required")
	}
	// A first server that finds its cluster joins it, and never founds a second one.
	if c := k.sibling(m); c != nil {
		return c, k.admit(c, m)
	}
	c, err := k.found(m)
	if err != nil {
		return nil, fmt.Errorf("starting kubernetes: preparing server: %w", err)
	}
	return c, nil
}

// sibling is the cluster with the same root of which another server runs.
func (k *kubernetes) sibling(m *machine) *cluster {
	hash, err := caHash(m.Config.TLS["server-ca.crt"])
	if err != nil {
		return nil
	}
	for _, other := range k.Machines {
		if c := k.Clusters[other.Cluster]; c != nil && c.RootHash == hash && other.Serving && !other.Config.Agent {
			return c
		}
	}
	return nil
}

// join finds the cluster behind a URL, as seen from a server, and lets it check the token.
func (k *kubernetes) join(m *machine, server object, at string) (*cluster, error) {
	parsed, err := url.Parse(at)
	if err != nil {
		return nil, fmt.Errorf("invalid server url: %w", err)
	}
	port, err := strconv.Atoi(cmp.Or(parsed.Port(), "443"))
	if err != nil {
		return nil, fmt.Errorf("invalid server url: %w", err)
	}
	address, err := netip.ParseAddr(parsed.Hostname())
	if err != nil {
		return nil, fmt.Errorf("failed to get CA certs: Get %q: dial tcp: lookup %s: no such host", at+"/cacerts", parsed.Hostname())
	}
	target, err := k.sim.route(server, address, port)
	if err != nil {
		return nil, fmt.Errorf("failed to get CA certs: Get %q: dial tcp %s: %w", at+"/cacerts", parsed.Host, err)
	}
	peer := k.Machines[target.server.str("id")]
	if peer == nil || !peer.Serving || peer.Config.Agent || target.port != supervisorPort(peer.Config.Distribution) {
		return nil, fmt.Errorf("failed to get CA certs: Get %q: EOF", at+"/cacerts")
	}
	c := k.Clusters[peer.Cluster]
	if !k.quorum(c) {
		return nil, fmt.Errorf("failed to get CA certs: Get %q: EOF", at+"/cacerts")
	}
	return c, k.admit(c, m)
}

// admit checks a node's token, as the supervisor does it.
func (k *kubernetes) admit(c *cluster, m *machine) error {
	token := parseJoinToken(m.Config.Token)
	if token.hash != "" && token.hash != c.RootHash {
		return fmt.Errorf("failed to validate token: token CA hash does not match the Cluster CA certificate hash: %s != %s", token.hash, c.RootHash)
	}
	isServer := token.secret == c.ServerToken && token.user != "node"
	isAgent := token.secret == cmp.Or(c.AgentToken, c.ServerToken) && token.user != "server"
	switch {
	case m.Config.Distribution != c.Distribution:
		return fmt.Errorf("failed to validate token: %s is not %s", m.Config.Distribution, c.Distribution)
	case !m.Config.Agent && !isServer, m.Config.Agent && !isServer && !isAgent:
		return errors.New("failed to validate token: 401 Unauthorized: not authorized")
	}
	if node := c.get("nodes", "", m.Name); node != nil && providerID(node) != "openstack:///"+m.Server {
		return fmt.Errorf("node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server node-passwd entry: %s", m.Name)
	}
	if m.Config.Agent {
		return nil
	}
	for _, other := range k.Machines {
		if other.Cluster == c.ID && !other.Config.Agent && other.Server != m.Server && other.starting(k) {
			return errors.New("failed to add etcd member: etcdserver: too many learner members in cluster")
		}
	}
	return nil
}

// starting says whether a server has joined and is not yet a voter.
func (m *machine) starting(k *kubernetes) bool {
	server := k.sim.compute.Servers[m.Server]
	if server == nil || !runs(server) {
		return false
	}
	node := k.Clusters[m.Cluster].get("nodes", "", m.Name)
	return !m.Serving || node != nil && !node.voter()
}

// quorum says whether most of the etcd members of a cluster run. A member leaves when its Node is deleted,
// not when its server is.
func (k *kubernetes) quorum(c *cluster) bool {
	voters, alive := 0, 0
	for _, node := range c.list("nodes", "") {
		if !node.voter() {
			continue
		}
		voters++
		if m := k.Machines[strings.TrimPrefix(providerID(node), "openstack:///")]; m != nil && m.Serving {
			alive++
		}
	}
	return voters == 0 || 2*alive > voters
}

// startLater brings up the processes of a node and, later, its readiness.
func (k *kubernetes) startLater(c *cluster, m *machine) {
	id := m.Server
	k.sim.after(k.sim.options.Times.NodeReady/2, func() {
		server := k.sim.compute.Servers[id]
		if k.Machines[id] != m || server == nil || !runs(server) {
			return
		}
		m.Serving = true
		if !m.Config.Agent {
			c.addSANs(append(slices.Clone(m.Config.SANs), k.addressesOf(server)...))
		}
		k.register(c, m, server)
		k.readyLater(c, m)
	})
}

func (k *kubernetes) readyLater(c *cluster, m *machine) {
	k.sim.after(k.sim.options.Times.NodeReady/2, func() {
		if k.Machines[m.Server] == m && m.Serving {
			c.setReady(m.Name, "True", "KubeletReady", "kubelet is posting ready status")
			k.say(m, "info", m.Config.Distribution+" is up and running")
		}
	})
}

// addressesOf are the addresses of a server, fixed ones first.
func (k *kubernetes) addressesOf(server object) []string {
	fixed, floating := []string{}, []string{}
	for _, port := range k.sim.network.devicePorts(server.str("id")) {
		for _, address := range port.objs("fixed_ips") {
			fixed = append(fixed, address.str("ip_address"))
		}
		floating = append(floating, k.sim.floatingAddressesOf(port.str("id"))...)
	}
	return append(fixed, floating...)
}

// routed is where a connection inside the cloud ends.
type routed struct {
	server object
	port   int
}

// route follows a connection from a server to an address: through the load balancer that has the
// address, or straight to another server.
func (s *Simulator) route(from object, address netip.Addr, port int) (routed, error) {
	for _, nic := range s.network.devicePorts(from.str("id")) {
		near := s.joined(nic.str("network_id"))
		source, err := netip.ParseAddr(firstAddress(nic))
		if err != nil {
			continue
		}
		for _, lb := range s.loadBalancing.LoadBalancers.all() {
			mine := near[lb.str("vip_network_id")] && lb.str("vip_address") == address.String()
			if !mine && !slices.Contains(s.floatingAddressesOf(lb.str("vip_port_id")), address.String()) {
				continue
			}
			return s.throughLoadBalancer(lb, source, port)
		}
		if server := s.serverAt(nic.str("network_id"), address); server != nil {
			return routed{server, port}, nil
		}
	}
	return routed{}, errors.New("connect: no route to host")
}

func firstAddress(port object) string {
	if fixed := port.objs("fixed_ips"); len(fixed) > 0 {
		return fixed[0].str("ip_address")
	}
	return ""
}

func (s *Simulator) throughLoadBalancer(lb object, source netip.Addr, port int) (routed, error) {
	l := s.loadBalancing
	for _, listener := range l.childrenOf(l.Listeners, lb) {
		if listener.num("protocol_port") != port || !serves(lb) || !serves(listener) {
			continue
		}
		pool := l.Pools[listener.str("default_pool_id")]
		if !admits(listener, source) {
			return routed{}, errors.New("i/o timeout")
		}
		if !serves(pool) {
			return routed{}, errors.New("read: connection reset by peer")
		}
		// The load balancer would try the others in turn.
		for _, member := range eligible(l.membersOf(pool)) {
			address, err := netip.ParseAddr(member.str("address"))
			if err != nil {
				continue
			}
			server := s.serverAt(s.networkOfMember(lb, member), address)
			if server == nil || server.str("id") == "" {
				continue
			}
			if m := s.kubernetes.Machines[server.str("id")]; m != nil && m.Serving && !m.Config.Agent {
				return routed{server, member.num("protocol_port")}, nil
			}
		}
		return routed{}, errors.New("read: connection reset by peer")
	}
	return routed{}, errors.New("connect: connection refused")
}

// listenerOf is what answers at a port of a server: the API of its cluster, the echo, or nothing.
func (k *kubernetes) listenerOf(server string, port int, echo *memoryListener) *memoryListener {
	m := k.Machines[server]
	if m == nil {
		return echo
	}
	c := k.Clusters[m.Cluster]
	switch {
	case c == nil || !m.Serving:
		return nil
	case port == apiPort || port == supervisorPort(m.Config.Distribution):
		if m.Config.Agent || !k.quorum(c) {
			return nil
		}
		return c.listener
	case slices.Contains([]int{2379, 2380, 2381, 10250, 10256, 10257, 10259}, port):
		return nil
	}
	return echo
}

// serve opens the API of a cluster, which is reached through the data plane only.
func (k *kubernetes) serve(c *cluster) {
	c.listener = newMemoryListener()
	c.kubernetes = k
	c.server = &http.Server{
		Handler: c.handler(), ConnContext: withTLSConn, ReadHeaderTimeout: time.Minute, ErrorLog: k.sim.errorLog(),
		TLSConfig: &tls.Config{GetCertificate: c.certificate, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12},
	}
	k.sim.dataPlane.done.Add(1)
	go func() {
		defer k.sim.dataPlane.done.Done()
		err := c.server.ServeTLS(c.listener, "", "")
		if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			k.sim.options.Logger.Error("Kubernetes API stopped", "error", err)
		}
	}()
}

// releaseOf is a version without its distribution, as the API server reports minors.
func releaseOf(version string) (major, minor string) {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) < 2 {
		return "1", "0"
	}
	return parts[0], parts[1]
}
