package edge

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	docs "github.com/massif-cloud/terraform-provider-massif/internal/reverseproxy"
)

// canary chooses the target of a request by weight: anew for each request, or always the same one for a client or a host.
// The targets are those of the upstream, in the order of its pool.
type canary struct {
	By      docs.CanaryBy `json:"by"`
	Names   []string      `json:"names"`
	Weights []int         `json:"weights"`
}

var _ reverseproxy.Selector = (*canary)(nil)

// CaddyModule tells Caddy about the module.
func (canary) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.reverse_proxy.selection_policies.massif", New: func() caddy.Module { return new(canary) }}
}

// Select chooses among the targets that are well and were not tried for this request; when none is, among those that were
// not tried, for a check can be wrong; and then among all.
func (c *canary) Select(pool reverseproxy.UpstreamPool, r *http.Request, _ http.ResponseWriter) *reverseproxy.Upstream {
	x, ok := caddyhttp.GetVar(r.Context(), exchangeVar).(*exchange)
	if !ok || len(pool) != len(c.Weights) {
		return nil
	}
	chosen := c.choose(x, func(i int) bool { return !x.wasTried(i) && pool[i].Available() })
	if chosen < 0 {
		chosen = c.choose(x, func(i int) bool { return !x.wasTried(i) })
	}
	if chosen < 0 {
		chosen = c.choose(x, func(int) bool { return true })
	}
	if chosen < 0 {
		return nil
	}
	x.try(chosen, c.Names[chosen])
	return pool[chosen]
}

// choose takes one of the candidates by weight; -1 when there is none. Those whom a sticky choice gives to a target stay with it
// when weights change, but for as many as the change moves (rendezvous hashing).
func (c *canary) choose(x *exchange, candidate func(int) bool) int {
	best, bestScore := -1, math.Inf(-1)
	for i, weight := range c.Weights {
		if weight <= 0 || !candidate(i) {
			continue
		}
		score := math.Log(c.draw(x, i)) / float64(weight)
		if score > bestScore {
			best, bestScore = i, score
		}
	}
	return best
}

// draw is a number between 0 and 1 for a target: by chance, or by the hash of what the choice sticks to.
func (c *canary) draw(x *exchange, target int) float64 {
	var key string
	switch c.By {
	case docs.CanaryByHost:
		key = x.host
	case docs.CanaryByClientIP:
		key = x.client
	default:
		return 1 - rand.Float64() //nolint:gosec // no secret
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(key))
	_, _ = hash.Write([]byte{0})
	_, _ = hash.Write([]byte(c.Names[target]))
	return (float64(mix(hash.Sum64())>>11) + 0.5) / (1 << 53)
}

// mix spreads the bits of a hash whose inputs are alike.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
