package loadbalancer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Tree is a real load balancer with everything below it.
type Tree struct {
	object
	VIPAddress       string     `json:"vip_address"`
	VIPPortID        string     `json:"vip_port_id"`
	VIPSubnetID      string     `json:"vip_subnet_id"`
	VIPNetworkID     string     `json:"vip_network_id"`
	VIPQoSPolicyID   string     `json:"vip_qos_policy_id"`
	AdditionalVIPs   []VIP      `json:"additional_vips"`
	Provider         string     `json:"provider"`
	FlavorID         string     `json:"flavor_id"`
	AvailabilityZone string     `json:"availability_zone"`
	Listeners        []listener `json:"listeners"`
	Pools            []pool     `json:"pools"`
}

// object is what all of Octavia's objects have.
type object struct {
	ID                 string   `json:"id"`
	Name               string   `json:"name"`
	Description        string   `json:"description"`
	AdminStateUp       bool     `json:"admin_state_up"`
	ProvisioningStatus string   `json:"provisioning_status"`
	OperatingStatus    string   `json:"operating_status"`
	Tags               []string `json:"tags"`

	// key is what the Spec calls the object; found by name or, failing that, by what it does.
	key string
}

func (o *object) self() *object { return o }

type listener struct {
	object
	Protocol             string            `json:"protocol"`
	ProtocolPort         int               `json:"protocol_port"`
	DefaultPoolID        string            `json:"default_pool_id"`
	ConnectionLimit      int               `json:"connection_limit"`
	AllowedCIDRs         []string          `json:"allowed_cidrs"`
	InsertHeaders        map[string]string `json:"insert_headers"`
	TimeoutClientData    int               `json:"timeout_client_data"`
	TimeoutMemberConnect int               `json:"timeout_member_connect"`
	TimeoutMemberData    int               `json:"timeout_member_data"`
	TimeoutTCPInspect    int               `json:"timeout_tcp_inspect"`
	DefaultContainerRef  string            `json:"default_tls_container_ref"`
	SNIContainerRefs     []string          `json:"sni_container_refs"`
	ClientAuthentication string            `json:"client_authentication"`
	ClientCAContainerRef string            `json:"client_ca_tls_container_ref"`
	ClientCRLRef         string            `json:"client_crl_container_ref"`
	TLSCiphers           *string           `json:"tls_ciphers"`
	TLSVersions          []string          `json:"tls_versions"`
	ALPNProtocols        []string          `json:"alpn_protocols"`
	HSTSMaxAge           *int              `json:"hsts_max_age"`
	HSTSSubdomains       bool              `json:"hsts_include_subdomains"`
	HSTSPreload          bool              `json:"hsts_preload"`
	Policies             []policy          `json:"l7policies"`
}

type policy struct {
	object
	ListenerID       string `json:"listener_id"`
	Action           string `json:"action"`
	Position         int    `json:"position"`
	RedirectPoolID   string `json:"redirect_pool_id"`
	RedirectURL      string `json:"redirect_url"`
	RedirectPrefix   string `json:"redirect_prefix"`
	RedirectHTTPCode *int   `json:"redirect_http_code"`
	Rules            []rule `json:"rules"`
}

type rule struct {
	object
	Type        string `json:"type"`
	CompareType string `json:"compare_type"`
	RuleKey     string `json:"key"`
	Value       string `json:"value"`
	Invert      bool   `json:"invert"`
}

type pool struct {
	object
	Protocol           string `json:"protocol"`
	Algorithm          string `json:"lb_algorithm"`
	SessionPersistence *struct {
		Type        string `json:"type"`
		CookieName  string `json:"cookie_name"`
		Timeout     *int   `json:"persistence_timeout"`
		Granularity string `json:"persistence_granularity"`
	} `json:"session_persistence"`
	TLSEnabled     bool     `json:"tls_enabled"`
	ContainerRef   string   `json:"tls_container_ref"`
	CAContainerRef string   `json:"ca_tls_container_ref"`
	CRLRef         string   `json:"crl_container_ref"`
	TLSCiphers     *string  `json:"tls_ciphers"`
	TLSVersions    []string `json:"tls_versions"`
	ALPNProtocols  []string `json:"alpn_protocols"`
	Members        []member `json:"members"`
	MonitorID      string   `json:"healthmonitor_id"`
	Monitor        *monitor `json:"healthmonitor"`
}

type member struct {
	object
	Address        string `json:"address"`
	ProtocolPort   int    `json:"protocol_port"`
	SubnetID       string `json:"subnet_id"`
	Weight         int    `json:"weight"`
	Backup         bool   `json:"backup"`
	MonitorAddress string `json:"monitor_address"`
	MonitorPort    *int   `json:"monitor_port"`
}

type monitor struct {
	object
	Type           string   `json:"type"`
	Delay          int      `json:"delay"`
	Timeout        int      `json:"timeout"`
	MaxRetries     int      `json:"max_retries"`
	MaxRetriesDown int      `json:"max_retries_down"`
	HTTPMethod     string   `json:"http_method"`
	URLPath        string   `json:"url_path"`
	ExpectedCodes  string   `json:"expected_codes"`
	HTTPVersion    *float64 `json:"http_version"`
	DomainName     string   `json:"domain_name"`
}

// Spec is the tree as a specification of itself, with every value that the cloud chose. Call it on a
// tree that was read: its objects have been given keys.
func (t *Tree) Spec() Spec {
	s := Spec{
		Name: t.Name, Description: t.Description, Tags: t.Tags, AdminStateUp: &t.AdminStateUp,
		VIPSubnetID: t.VIPSubnetID, VIPNetworkID: t.VIPNetworkID, VIPPortID: t.VIPPortID, VIPAddress: t.VIPAddress,
		AdditionalVIPs: t.AdditionalVIPs, VIPQoSPolicyID: &t.VIPQoSPolicyID,
		Provider: t.Provider, FlavorID: t.FlavorID, AvailabilityZone: t.AvailabilityZone,
		Listeners: map[string]Listener{}, Pools: map[string]Pool{},
	}
	poolKeys := t.poolKeys()
	for _, l := range t.Listeners {
		s.Listeners[l.key] = l.spec(poolKeys)
	}
	for _, p := range t.Pools {
		s.Pools[p.key] = p.spec()
	}
	return s
}

// poolKeys maps the ids of pools to their keys.
func (t *Tree) poolKeys() map[string]string {
	byID := map[string]string{}
	for _, p := range t.Pools {
		byID[p.ID] = p.key
	}
	return byID
}

func (l listener) spec(poolKeys map[string]string) Listener {
	s := Listener{
		Description: l.Description, AdminStateUp: &l.AdminStateUp, Tags: l.Tags,
		Protocol: l.Protocol, ProtocolPort: l.ProtocolPort, DefaultPool: poolKeys[l.DefaultPoolID],
		ConnectionLimit: &l.ConnectionLimit, AllowedCIDRs: l.AllowedCIDRs, InsertHeaders: l.InsertHeaders,
		TimeoutClientData: &l.TimeoutClientData, TimeoutMemberConnect: &l.TimeoutMemberConnect,
		TimeoutMemberData: &l.TimeoutMemberData, TimeoutTCPInspect: &l.TimeoutTCPInspect,
	}
	if l.Protocol == ProtocolTerminatedHTTPS || l.DefaultContainerRef != "" || len(l.SNIContainerRefs) > 0 {
		s.TLS = &ListenerTLS{
			DefaultContainerRef: l.DefaultContainerRef, SNIContainerRefs: l.SNIContainerRefs,
			ClientAuthentication: l.ClientAuthentication, ClientCAContainerRef: l.ClientCAContainerRef,
			ClientCRLContainerRef: l.ClientCRLRef, Ciphers: l.TLSCiphers, Versions: l.TLSVersions, ALPNProtocols: l.ALPNProtocols,
		}
		if l.HSTSMaxAge != nil {
			s.TLS.HSTS = &HSTS{MaxAge: *l.HSTSMaxAge, IncludeSubdomains: l.HSTSSubdomains, Preload: l.HSTSPreload}
		}
	}
	for _, p := range l.Policies {
		if s.Routes == nil {
			s.Routes = map[string]Route{}
		}
		s.Routes[p.key] = p.spec(poolKeys)
	}
	return s
}

func (p policy) spec(poolKeys map[string]string) Route {
	r := Route{
		Description: p.Description, AdminStateUp: &p.AdminStateUp, Tags: p.Tags, Position: p.Position, Action: p.Action,
		RedirectPool: poolKeys[p.RedirectPoolID], RedirectURL: p.RedirectURL, RedirectPrefix: p.RedirectPrefix,
		RedirectHTTPCode: p.RedirectHTTPCode,
	}
	for _, rule := range p.Rules {
		r.Rules = append(r.Rules, rule.spec())
	}
	return r
}

func (r rule) spec() Rule {
	return Rule{
		Type: r.Type, CompareType: r.CompareType, Key: r.RuleKey, Value: r.Value, Invert: r.Invert,
		AdminStateUp: &r.AdminStateUp, Tags: r.Tags,
	}
}

func (p pool) spec() Pool {
	s := Pool{Description: p.Description, AdminStateUp: &p.AdminStateUp, Tags: p.Tags, Protocol: p.Protocol, Algorithm: p.Algorithm}
	if sp := p.SessionPersistence; sp != nil {
		s.SessionPersistence = &SessionPersistence{Type: sp.Type, CookieName: sp.CookieName, Timeout: sp.Timeout, Granularity: sp.Granularity}
	}
	if p.TLSEnabled {
		s.TLS = &PoolTLS{
			ContainerRef: p.ContainerRef, CAContainerRef: p.CAContainerRef, CRLContainerRef: p.CRLRef,
			Ciphers: p.TLSCiphers, Versions: p.TLSVersions, ALPNProtocols: p.ALPNProtocols,
		}
	}
	for _, m := range p.Members {
		if s.Members == nil {
			s.Members = map[string]Member{}
		}
		s.Members[m.key] = m.spec()
	}
	if p.Monitor != nil {
		s.Monitor = new(p.Monitor.spec())
	}
	return s
}

func (m member) spec() Member {
	return Member{
		Address: m.Address, ProtocolPort: m.ProtocolPort, SubnetID: m.SubnetID, Weight: &m.Weight, Backup: m.Backup,
		MonitorAddress: m.MonitorAddress, MonitorPort: m.MonitorPort, AdminStateUp: &m.AdminStateUp, Tags: m.Tags,
	}
}

func (m monitor) spec() Monitor {
	s := Monitor{
		Type: m.Type, Delay: m.Delay, Timeout: m.Timeout, MaxRetries: m.MaxRetries, MaxRetriesDown: &m.MaxRetriesDown,
		HTTPMethod: m.HTTPMethod, URLPath: m.URLPath, ExpectedCodes: m.ExpectedCodes, DomainName: m.DomainName,
		AdminStateUp: &m.AdminStateUp, Tags: m.Tags,
	}
	if m.HTTPVersion != nil {
		s.HTTPVersion = strconv.FormatFloat(*m.HTTPVersion, 'f', 1, 64)
	}
	return s
}

// recognise gives every object of the tree the key under which names knows it, or one of its own.
func (t *Tree) recognise(names Spec) {
	slices.SortFunc(t.Pools, func(a, b pool) int { return cmp.Compare(a.ID, b.ID) })
	assignKeys(t.Pools, keys(names.Pools),
		func(p *pool, key string) bool { return p.like(names.Pools[key]) },
		func(p *pool) string { return "pool-" + p.ID })
	for i := range t.Pools {
		want := names.Pools[t.Pools[i].key].Members
		assignKeys(t.Pools[i].Members, keys(want),
			func(m *member, key string) bool { return m.like(want[key]) },
			func(m *member) string { return fmt.Sprintf("%s-%d", m.Address, m.ProtocolPort) })
	}
	assignKeys(t.Listeners, keys(names.Listeners),
		func(l *listener, key string) bool {
			return l.Protocol == names.Listeners[key].Protocol && l.ProtocolPort == names.Listeners[key].ProtocolPort
		},
		func(l *listener) string { return fmt.Sprintf("%s-%d", strings.ToLower(l.Protocol), l.ProtocolPort) })
	for i := range t.Listeners {
		l := &t.Listeners[i]
		slices.SortFunc(l.Policies, func(a, b policy) int { return cmp.Compare(a.Position, b.Position) })
		want := names.Listeners[l.key].Routes
		assignKeys(l.Policies, keys(want),
			func(p *policy, key string) bool { return p.like(want[key]) },
			func(p *policy) string { return fmt.Sprintf("policy-%d", p.Position) })
	}
}

// like tells whether a pool of another name is the one that is meant: it has the same traffic and a
// member in common.
func (p *pool) like(want Pool) bool {
	return p.Protocol == want.Protocol && slices.ContainsFunc(p.Members, func(m member) bool {
		for _, w := range want.Members {
			if m.like(w) {
				return true
			}
		}
		return false
	})
}

func (m *member) like(want Member) bool {
	return m.Address == want.Address && m.ProtocolPort == want.ProtocolPort
}

// like tells whether a policy of another name is the one that is meant: it has the same conditions.
func (p *policy) like(want Route) bool {
	remove, add := ruleChanges(p.Rules, want.Rules)
	return len(p.Rules) > 0 && len(remove) == 0 && len(add) == 0
}

// assignKeys gives each object a key of its own: one of the wanted that is its name, then one of the
// wanted that is otherwise like it, then its name, then what own makes of it.
func assignKeys[T any, P interface {
	*T
	self() *object
}](objects []T, wanted []string, like func(*T, string) bool, own func(*T) string) {
	of := func(o *T) *object { return P(o).self() }
	taken := map[string]bool{}
	give := func(o *object, key string) {
		o.key = key
		taken[key] = true
	}
	for i := range objects {
		of(&objects[i]).key = ""
	}
	for i := range objects {
		if o := of(&objects[i]); slices.Contains(wanted, o.Name) && !taken[o.Name] {
			give(o, o.Name)
		}
	}
	for i := range objects {
		o := of(&objects[i])
		for _, key := range wanted {
			if o.key == "" && !taken[key] && like(&objects[i], key) {
				give(o, key)
			}
		}
	}
	for i := range objects {
		o := of(&objects[i])
		if o.key != "" {
			continue
		}
		// What is not wanted must not take a wanted key: it would be changed instead of removed.
		key := o.Name
		if key == "" || taken[key] || slices.Contains(wanted, key) {
			key = own(&objects[i])
		}
		if taken[key] || slices.Contains(wanted, key) {
			key += "-" + o.ID
		}
		give(o, key)
	}
}
