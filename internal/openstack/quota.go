package openstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	volumelimits "github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	loadbalancerquotas "github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/quotas"
	networkquotas "github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/quotas"
	"github.com/hashicorp/terraform-plugin-log/tflog"
)

// Quota is something of which a project may have only so much.
type Quota string

// What the quotas count: pieces, unless the name says otherwise.
const (
	QuotaInstances          Quota = "instances"
	QuotaCores              Quota = "cores"
	QuotaRAM                Quota = "MiB of RAM"
	QuotaServerGroups       Quota = "server groups"
	QuotaVolumes            Quota = "volumes"
	QuotaGigabytes          Quota = "GiB of volumes"
	QuotaNetworks           Quota = "networks"
	QuotaSubnets            Quota = "subnets"
	QuotaPorts              Quota = "ports"
	QuotaRouters            Quota = "routers"
	QuotaFloatingIPs        Quota = "floating IPs"
	QuotaSecurityGroups     Quota = "security groups"
	QuotaSecurityGroupRules Quota = "security group rules"
	QuotaLoadBalancers      Quota = "load balancers"
)

// Usage is how much of each quota something takes.
type Usage map[Quota]int

// Add adds what another thing takes.
func (u Usage) Add(other Usage) {
	for quota, n := range other {
		u[quota] += n
	}
}

// Beyond is what u takes more than other.
func (u Usage) Beyond(other Usage) Usage {
	more := Usage{}
	for quota, n := range u {
		if n > other[quota] {
			more[quota] = n - other[quota]
		}
	}
	return more
}

// QuotaCheck is what a plan that goes beyond the project's quotas leads to.
type QuotaCheck string

// The ways to check quotas.
const (
	QuotaCheckOff     QuotaCheck = "off"
	QuotaCheckWarning QuotaCheck = "warning"
	QuotaCheckError   QuotaCheck = "error"
)

// QuotaCheck is how this session checks quotas; a warning unless it was configured otherwise.
func (c *Cloud) QuotaCheck() QuotaCheck {
	if check := c.session.config.QuotaCheck; check != "" {
		return check
	}
	return QuotaCheckWarning
}

// Shortage is a quota that a plan goes beyond.
type Shortage struct {
	Quota Quota
	// Limit and Used are what the cloud said, Planned is what the plan takes so far.
	Limit, Used, Planned int
}

func (s Shortage) String() string {
	return fmt.Sprintf("%s: the plan takes %d or more, and the project has room for %d (%d of %d are used)",
		s.Quota, s.Planned, max(0, s.Limit-s.Used), s.Used, s.Limit)
}

// allowance is what a project may have of a quota, and has.
type allowance struct{ limit, used int }

// planned adds up what the plan of this session takes in one region, and holds it against the quotas, which are asked for once.
type planned struct {
	mu    sync.Mutex
	taken Usage
	rooms map[string]map[Quota]allowance // of the services asked so far
	told  map[Quota]bool
}

// quotaService is who keeps a quota.
func quotaService(q Quota) string {
	switch q {
	case QuotaInstances, QuotaCores, QuotaRAM, QuotaServerGroups:
		return "compute"
	case QuotaVolumes, QuotaGigabytes:
		return "block storage"
	case QuotaLoadBalancers:
		return "load balancer"
	default:
		return "network"
	}
}

// Plan adds to what this session plans to take of the project's quotas, and returns those which that goes beyond, each
// once in the life of the session. A cloud that does not tell a quota has no shortage of it.
func (c *Cloud) Plan(ctx context.Context, more Usage) []Shortage {
	found, _ := c.session.planned.LoadOrStore(c.region, &planned{taken: Usage{}, rooms: map[string]map[Quota]allowance{}, told: map[Quota]bool{}})
	p, ok := found.(*planned)
	if !ok {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var short []Shortage
	for _, q := range slices.Sorted(maps.Keys(more)) {
		p.taken[q] += more[q]
		name := quotaService(q)
		room, asked := p.rooms[name]
		if !asked {
			var err error
			if room, err = c.allowances(ctx, name); err != nil {
				tflog.Info(ctx, "The quotas are not known", map[string]any{"service": name, "error": err.Error()})
			}
			p.rooms[name] = room
		}
		a, known := room[q]
		if !known || a.limit < 0 || p.told[q] || a.used+p.taken[q] <= a.limit {
			continue
		}
		p.told[q] = true
		short = append(short, Shortage{Quota: q, Limit: a.limit, Used: a.used, Planned: p.taken[q]})
	}
	return short
}

// allowances asks a service for the project's quotas; a limit below zero is none.
func (c *Cloud) allowances(ctx context.Context, service string) (map[Quota]allowance, error) {
	if c.ProjectID() == "" {
		return nil, errors.New("the token is not scoped to a project")
	}
	switch service {
	case "compute":
		return c.computeAllowances(ctx)
	case "block storage":
		return c.volumeAllowances(ctx)
	case "load balancer":
		return c.loadBalancerAllowances(ctx)
	default:
		return c.networkAllowances(ctx)
	}
}

func (c *Cloud) computeAllowances(ctx context.Context) (map[Quota]allowance, error) {
	client, err := c.Compute()
	if err != nil {
		return nil, err
	}
	found, err := limits.Get(ctx, client, nil).Extract()
	if err != nil {
		return nil, fmt.Errorf("read the limits of compute: %w", err)
	}
	a := found.Absolute
	return map[Quota]allowance{
		QuotaInstances:    {a.MaxTotalInstances, a.TotalInstancesUsed},
		QuotaCores:        {a.MaxTotalCores, a.TotalCoresUsed},
		QuotaRAM:          {a.MaxTotalRAMSize, a.TotalRAMUsed},
		QuotaServerGroups: {a.MaxServerGroups, a.TotalServerGroupsUsed},
	}, nil
}

func (c *Cloud) volumeAllowances(ctx context.Context) (map[Quota]allowance, error) {
	client, err := c.BlockStorage()
	if err != nil {
		return nil, err
	}
	found, err := volumelimits.Get(ctx, client).Extract()
	if err != nil {
		return nil, fmt.Errorf("read the limits of block storage: %w", err)
	}
	a := found.Absolute
	return map[Quota]allowance{
		QuotaVolumes:   {a.MaxTotalVolumes, a.TotalVolumesUsed},
		QuotaGigabytes: {a.MaxTotalVolumeGigabytes, a.TotalGigabytesUsed},
	}, nil
}

func (c *Cloud) networkAllowances(ctx context.Context) (map[Quota]allowance, error) {
	client, err := c.Network()
	if err != nil {
		return nil, err
	}
	found, err := networkquotas.GetDetail(ctx, client, c.ProjectID()).Extract()
	if err != nil {
		return nil, fmt.Errorf("read the quotas of the network service: %w", err)
	}
	of := func(d networkquotas.QuotaDetail) allowance { return allowance{d.Limit, d.Used + d.Reserved} }
	return map[Quota]allowance{
		QuotaNetworks:           of(found.Network),
		QuotaSubnets:            of(found.Subnet),
		QuotaPorts:              of(found.Port),
		QuotaRouters:            of(found.Router),
		QuotaFloatingIPs:        of(found.FloatingIP),
		QuotaSecurityGroups:     of(found.SecurityGroup),
		QuotaSecurityGroupRules: of(found.SecurityGroupRule),
	}, nil
}

// loadBalancerAllowances counts: Octavia tells limits, but not what is used.
func (c *Cloud) loadBalancerAllowances(ctx context.Context) (map[Quota]allowance, error) {
	client, err := c.LoadBalancer()
	if err != nil {
		return nil, err
	}
	found, err := loadbalancerquotas.Get(ctx, client, c.ProjectID()).Extract()
	if err != nil {
		return nil, fmt.Errorf("read the quotas of the load balancer service: %w", err)
	}
	pages, err := loadbalancers.List(client, loadbalancers.ListOpts{ProjectID: c.ProjectID()}).AllPages(ctx)
	if err != nil {
		return nil, fmt.Errorf("count the load balancers: %w", err)
	}
	all, err := loadbalancers.ExtractLoadBalancers(pages)
	if err != nil {
		return nil, fmt.Errorf("count the load balancers: %w", err)
	}
	return map[Quota]allowance{QuotaLoadBalancers: {found.Loadbalancer, len(all)}}, nil
}
