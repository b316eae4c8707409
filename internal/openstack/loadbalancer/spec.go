// Package loadbalancer builds, reads, changes and removes a whole Octavia load balancer as one tree.
//
// Octavia locks a load balancer for every change of any part of it, so a tree is best made by one
// request, and changed by as few as possible. The keys of the maps in Spec are the names given to
// Octavia's objects: by them the tree is recognised when it is read back.
package loadbalancer

// Protocols of listeners and pools.
const (
	ProtocolHTTP            = "HTTP"
	ProtocolHTTPS           = "HTTPS"
	ProtocolTerminatedHTTPS = "TERMINATED_HTTPS"
	ProtocolTCP             = "TCP"
	ProtocolUDP             = "UDP"
	ProtocolSCTP            = "SCTP"
	ProtocolPrometheus      = "PROMETHEUS"
	ProtocolPROXY           = "PROXY"
	ProtocolPROXYV2         = "PROXYV2"
)

// Actions of routes.
const (
	ActionRedirectToPool = "REDIRECT_TO_POOL"
	ActionRedirectToURL  = "REDIRECT_TO_URL"
	ActionRedirectPrefix = "REDIRECT_PREFIX"
	ActionReject         = "REJECT"
)

// Spec is a wanted load balancer with everything below it. In all of its parts nil means "what the
// cloud chooses", and leaves alone what is there.
type Spec struct {
	Name        string
	Description string
	// One of the three says where the VIP lives; VIPAddress may fix it.
	VIPSubnetID  string
	VIPNetworkID string
	VIPPortID    string
	VIPAddress   string
	// AdditionalVIPs are further addresses of the VIP's port, chosen once.
	AdditionalVIPs []VIP
	// VIPQoSPolicyID limits the traffic of the VIP's port; "" is no limit.
	VIPQoSPolicyID *string
	// Provider, FlavorID and AvailabilityZone are chosen once, by the cloud when empty.
	Provider         string
	FlavorID         string
	AvailabilityZone string
	Tags             []string
	AdminStateUp     *bool

	Listeners map[string]Listener
	Pools     map[string]Pool
}

// VIP is an address in a subnet, which the cloud chooses when it is "".
type VIP struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"ip_address,omitempty"`
}

// Listener accepts traffic on one port of the VIP.
type Listener struct {
	Description  string
	AdminStateUp *bool
	Protocol     string
	ProtocolPort int
	// DefaultPool is a key of Spec.Pools, or "" for none.
	DefaultPool          string
	ConnectionLimit      *int
	AllowedCIDRs         []string
	InsertHeaders        map[string]string
	TimeoutClientData    *int
	TimeoutMemberConnect *int
	TimeoutMemberData    *int
	TimeoutTCPInspect    *int
	TLS                  *ListenerTLS
	Tags                 []string
	// Routes are L7 policies. Octavia tries those that reject first, then those that redirect to a
	// URL or prefix, then those that redirect to a pool; within these, by Position.
	Routes map[string]Route
}

// ListenerTLS is how a TERMINATED_HTTPS or PROMETHEUS listener speaks TLS. Empty but not nil ciphers, versions
// and protocols restore the cloud's default.
type ListenerTLS struct {
	DefaultContainerRef     string
	SNIContainerRefs        []string
	ClientAuthentication    string
	ClientCAContainerRef    string
	ClientCRLContainerRef   string
	Ciphers                 *string
	Versions, ALPNProtocols []string
	HSTS                    *HSTS
}

// HSTS tells browsers to use nothing but HTTPS for MaxAge seconds.
type HSTS struct {
	MaxAge            int
	IncludeSubdomains bool
	Preload           bool
}

// Route is an L7 policy with its rules: when all rules match, the action is taken.
type Route struct {
	Description  string
	AdminStateUp *bool
	// Position orders the routes of a listener; equal ones are ordered by key. Only the order counts:
	// Octavia itself numbers them 1, 2, 3.
	Position int
	Action   string
	// RedirectPool is a key of Spec.Pools.
	RedirectPool     string
	RedirectURL      string
	RedirectPrefix   string
	RedirectHTTPCode *int
	Tags             []string
	Rules            []Rule
}

// Rule is one condition of a route. Rules have no names and no order.
type Rule struct {
	Type         string
	CompareType  string
	Key          string
	Value        string
	Invert       bool
	AdminStateUp *bool
	Tags         []string
}

// Pool is a group of members that share the traffic.
type Pool struct {
	Description        string
	AdminStateUp       *bool
	Protocol           string
	Algorithm          string
	SessionPersistence *SessionPersistence
	TLS                *PoolTLS
	Tags               []string
	Members            map[string]Member
	Monitor            *Monitor
}

// SessionPersistence keeps a client on one member.
type SessionPersistence struct {
	Type        string
	CookieName  string
	Timeout     *int
	Granularity string
}

// PoolTLS encrypts the traffic from the load balancer to the members. Empty but not nil ciphers,
// versions and protocols restore the cloud's default.
type PoolTLS struct {
	ContainerRef            string
	CAContainerRef          string
	CRLContainerRef         string
	Ciphers                 *string
	Versions, ALPNProtocols []string
}

// Member is one backend. Address and port tell the members of a pool apart.
type Member struct {
	Address        string
	ProtocolPort   int
	SubnetID       string
	Weight         *int
	Backup         bool
	MonitorAddress string
	MonitorPort    *int
	AdminStateUp   *bool
	Tags           []string
}

// Monitor checks the health of a pool's members.
type Monitor struct {
	Type           string
	Delay          int
	Timeout        int
	MaxRetries     int
	MaxRetriesDown *int
	// The rest is for HTTP and HTTPS monitors; empty means the cloud's default.
	HTTPMethod    string
	URLPath       string
	ExpectedCodes string
	HTTPVersion   string
	DomainName    string
	AdminStateUp  *bool
	Tags          []string
}
