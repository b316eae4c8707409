// Package openstack is one authenticated session with an OpenStack cloud: its service clients, its transport
// (retries, redacted log), reads answered in batches, waiting, and the reading of faults.
package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// computeMicroversion is the newest behaviour of Nova that the provider was written for (Train): server group
// policy needs 2.64, tags of servers 2.52, delete_on_termination of attachments 2.79. A cloud that offers less
// is asked for what it has.
const computeMicroversion = "2.79"

// reauthTimeout bounds one renewal of the token, which many requests may be waiting for.
const reauthTimeout = 2 * time.Minute

// Config is everything a session needs, fully resolved: nothing is read from files or the environment.
type Config struct {
	Auth              gophercloud.AuthOptions
	Region            string                   // "" = the only region of the catalog
	EndpointType      gophercloud.Availability // "" = public
	EndpointOverrides map[string]string        // service type -> URL
	CACertificate     []byte                   // PEM; empty = the system's
	ClientCertificate []byte                   // PEM
	ClientKey         []byte                   // PEM
	Insecure          bool                     // accept any server certificate
	MaxRetries        int                      // per request; negative = none, 0 = DefaultMaxRetries
	UserAgent         string
	QuotaCheck        QuotaCheck // "" = a warning
	LogBodies         bool       // write redacted bodies and headers to the trace log
	Timeouts          Timeouts
}

// Timeouts bound the parts of one request. Zero means the default.
type Timeouts struct {
	Connect        time.Duration
	TLSHandshake   time.Duration
	ResponseHeader time.Duration
	RetryWaitMin   time.Duration
	RetryWaitMax   time.Duration
}

// Cloud is one session seen from one region.
type Cloud struct {
	session *session
	region  string
}

// session is what the regions of one cloud share.
type session struct {
	config    Config
	provider  *gophercloud.ProviderClient
	transport *transport
	catalog   []tokens.CatalogEntry
	projectID string
	userID    string
	reads     sync.Map // batchKey[T] -> *batch[T]
	locks     locks
	quirks    sync.Map // quirkKey -> true
	planned   sync.Map // region -> *planned

	mu      sync.Mutex
	clients map[clientKey]*gophercloud.ServiceClient
}

type clientKey struct{ service, region string }

// Open authenticates with one request and returns the session. The token is renewed when the cloud says that it
// expired, unless the credential is itself a token.
func Open(ctx context.Context, config Config) (*Cloud, error) {
	if config.EndpointType == "" {
		config.EndpointType = gophercloud.AvailabilityPublic
	}
	transport, err := newTransport(config)
	if err != nil {
		return nil, err
	}
	provider, err := openstack.NewClient(config.Auth.IdentityEndpoint)
	if err != nil {
		return nil, fmt.Errorf("read the authentication URL %q: %w", config.Auth.IdentityEndpoint, err)
	}
	provider.HTTPClient = http.Client{Transport: transport}
	if config.UserAgent != "" {
		provider.UserAgent.Prepend(config.UserAgent)
	}
	auth := config.Auth
	auth.AllowReauth = auth.TokenID == ""
	if err := openstack.AuthenticateV3(ctx, provider, &auth, gophercloud.EndpointOpts{}); err != nil {
		return nil, fmt.Errorf("authenticate at %s: %w", config.Auth.IdentityEndpoint, err)
	}
	// The renewal serves every request that waits for it, so it must not die with the one that noticed first.
	if renew := provider.ReauthFunc; renew != nil {
		provider.ReauthFunc = func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reauthTimeout)
			defer cancel()
			return renew(ctx)
		}
	}
	s := &session{
		config:    config,
		provider:  provider,
		transport: transport,
		clients:   map[clientKey]*gophercloud.ServiceClient{},
	}
	if err := s.readToken(); err != nil {
		return nil, err
	}
	provider.EndpointLocator = func(opts gophercloud.EndpointOpts) (string, error) {
		return s.endpoint(opts.Types(), opts.Region)
	}
	region, err := s.chooseRegion(config.Region)
	if err != nil {
		return nil, err
	}
	if err := s.checkEndpointType(region); err != nil {
		return nil, err
	}
	return &Cloud{session: s, region: region}, nil
}

// readToken keeps what the token's answer says about who we are and where the services live.
func (s *session) readToken() error {
	token, ok := s.provider.GetAuthResult().(interface {
		ExtractServiceCatalog() (*tokens.ServiceCatalog, error)
		ExtractProject() (*tokens.Project, error)
		ExtractUser() (*tokens.User, error)
	})
	if !ok {
		return errors.New("the identity service's answer holds no version 3 token")
	}
	catalog, err := token.ExtractServiceCatalog()
	if err != nil {
		return fmt.Errorf("read the service catalog: %w", err)
	}
	s.catalog = catalog.Entries
	project, err := token.ExtractProject()
	if err != nil {
		return fmt.Errorf("read the token's project: %w", err)
	}
	if project != nil {
		s.projectID = project.ID
	}
	user, err := token.ExtractUser()
	if err != nil {
		return fmt.Errorf("read the token's user: %w", err)
	}
	if user != nil {
		s.userID = user.ID
	}
	return nil
}

// Region names the region that this Cloud talks to.
func (c *Cloud) Region() string { return c.region }

// In is the same session in another region; "" and the own region are the Cloud itself.
func (c *Cloud) In(region string) (*Cloud, error) {
	if region == "" || region == c.region {
		return c, nil
	}
	region, err := c.session.chooseRegion(region)
	if err != nil {
		return nil, err
	}
	return &Cloud{session: c.session, region: region}, nil
}

// ProjectID identifies the project that the token is scoped to; "" when it is scoped to none.
func (c *Cloud) ProjectID() string { return c.session.projectID }

// UserID identifies the user that the token belongs to.
func (c *Cloud) UserID() string { return c.session.userID }

// AuthURL is the identity service's address that the session was opened at.
func (c *Cloud) AuthURL() string { return c.session.config.Auth.IdentityEndpoint }

// Trust is how the cloud's certificates are checked: with these authorities in PEM, or, when insecure, not at all.
func (c *Cloud) Trust() (authorities []byte, insecure bool) {
	return c.session.config.CACertificate, c.session.config.Insecure
}

// RequestCount is how many requests this session sent so far, retries included.
func (c *Cloud) RequestCount() int64 { return c.session.transport.count.Load() }

// Lock waits for the named lock of this session and region. The returned function releases it.
func (c *Cloud) Lock(ctx context.Context, key string) (unlock func(), err error) {
	return c.session.locks.lock(ctx, c.region+"/"+key)
}

// Network is the client of Neutron.
func (c *Cloud) Network() (*gophercloud.ServiceClient, error) { return c.client(network) }

// Compute is the client of Nova.
func (c *Cloud) Compute() (*gophercloud.ServiceClient, error) { return c.client(compute) }

// Image is the client of Glance.
func (c *Cloud) Image() (*gophercloud.ServiceClient, error) { return c.client(image) }

// LoadBalancer is the client of Octavia.
func (c *Cloud) LoadBalancer() (*gophercloud.ServiceClient, error) { return c.client(loadBalancer) }

// ObjectStorage is the client of Swift.
func (c *Cloud) ObjectStorage() (*gophercloud.ServiceClient, error) { return c.client(objectStorage) }

// BlockStorage is the client of Cinder.
func (c *Cloud) BlockStorage() (*gophercloud.ServiceClient, error) { return c.client(blockStorage) }

// Identity is the client of Keystone.
func (c *Cloud) Identity() (*gophercloud.ServiceClient, error) { return c.client(identity) }

// KeyManager is the client of Barbican.
func (c *Cloud) KeyManager() (*gophercloud.ServiceClient, error) { return c.client(keyManager) }

// DNS is the client of Designate.
func (c *Cloud) DNS() (*gophercloud.ServiceClient, error) { return c.client(dns) }

// client builds a service's client once per region.
func (c *Cloud) client(name service) (*gophercloud.ServiceClient, error) {
	s := c.session
	key := clientKey{string(name), c.region}
	s.mu.Lock()
	defer s.mu.Unlock()
	if client, ok := s.clients[key]; ok {
		return client, nil
	}
	endpoint, err := s.endpoint(name.types(), c.region)
	if err != nil && name == identity {
		// Catalogs often leave out the identity service's region or interface; the address that gave the token works.
		endpoint, err = s.provider.IdentityBase, nil
	}
	if err != nil {
		return nil, err
	}
	client := name.client(s.provider, endpoint)
	s.clients[key] = client
	return client, nil
}

// endpoint finds a service's URL: an override, else the catalog's.
func (s *session) endpoint(types []string, region string) (string, error) {
	for _, t := range types {
		if url := s.config.EndpointOverrides[t]; url != "" {
			return gophercloud.NormalizeURL(url), nil
		}
	}
	for _, t := range types {
		for _, entry := range s.catalog {
			if entry.Type != t {
				continue
			}
			for _, e := range entry.Endpoints {
				if e.Interface == string(s.config.EndpointType) && inRegion(e, region) && e.URL != "" {
					return gophercloud.NormalizeURL(e.URL), nil
				}
			}
		}
	}
	return "", &ServiceError{Type: types[0], Region: region, Interface: string(s.config.EndpointType), Offered: s.offered()}
}

func inRegion(e tokens.Endpoint, region string) bool {
	return region == "" || e.Region == region || e.RegionID == region
}

// offered lists the catalog as "type (region/interface, …)".
func (s *session) offered() []string {
	var all []string
	for _, entry := range s.catalog {
		var at []string
		for _, e := range entry.Endpoints {
			at = append(at, e.Region+"/"+e.Interface)
		}
		slices.Sort(at)
		all = append(all, entry.Type+" ("+strings.Join(slices.Compact(at), ", ")+")")
	}
	slices.Sort(all)
	return all
}

// regions are those in which the catalog has any endpoint.
func (s *session) regions() []string {
	var all []string
	for _, entry := range s.catalog {
		for _, e := range entry.Endpoints {
			if e.Region != "" {
				all = append(all, e.Region)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// chooseRegion checks a region against the catalog; with none given, the catalog must leave no choice.
func (s *session) chooseRegion(region string) (string, error) {
	regions := s.regions()
	switch {
	case len(regions) == 0, region != "" && slices.Contains(regions, region):
		return region, nil
	case region == "" && len(regions) == 1:
		return regions[0], nil
	}
	return "", &RegionError{Region: region, Regions: regions}
}

// checkEndpointType fails early when the region has no endpoint at all of the interface that was asked for.
func (s *session) checkEndpointType(region string) error {
	var interfaces []string
	for _, entry := range s.catalog {
		for _, e := range entry.Endpoints {
			if inRegion(e, region) {
				interfaces = append(interfaces, e.Interface)
			}
		}
	}
	slices.Sort(interfaces)
	interfaces = slices.Compact(interfaces)
	if len(interfaces) > 0 && !slices.Contains(interfaces, string(s.config.EndpointType)) {
		return &EndpointTypeError{EndpointType: string(s.config.EndpointType), Region: region, Interfaces: interfaces}
	}
	return nil
}

// ServiceError says that the catalog has no such service for this region and interface.
type ServiceError struct {
	Type, Region, Interface string
	Offered                 []string
}

func (e *ServiceError) Error() string {
	return fmt.Sprintf("the cloud's catalog has no %q service with a %s endpoint in region %q; it has: %s",
		e.Type, e.Interface, e.Region, listed(e.Offered))
}

// RegionError says that the catalog does not know the region, or that one must be chosen.
type RegionError struct {
	Region  string
	Regions []string
}

func (e *RegionError) Error() string {
	if e.Region == "" {
		return "the cloud has several regions and none was chosen; it has: " + listed(e.Regions)
	}
	return fmt.Sprintf("the cloud has no region %q; it has: %s", e.Region, listed(e.Regions))
}

// EndpointTypeError says that a region has no endpoint of the interface that was asked for.
type EndpointTypeError struct {
	EndpointType, Region string
	Interfaces           []string
}

func (e *EndpointTypeError) Error() string {
	return fmt.Sprintf("the cloud's catalog has no %s endpoint in region %q; it has: %s", e.EndpointType, e.Region, listed(e.Interfaces))
}

func listed(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	return strings.Join(values, ", ")
}
