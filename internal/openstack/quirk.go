package openstack

// Learn remembers, for as long as the session lives, that this region's cloud needs special treatment.
func (c *Cloud) Learn(quirk string) { c.session.quirks.Store(quirkKey{quirk, c.region}, true) }

// Learned tells whether a special treatment was learned before.
func (c *Cloud) Learned(quirk string) bool {
	_, ok := c.session.quirks.Load(quirkKey{quirk, c.region})
	return ok
}

type quirkKey struct{ quirk, region string }
