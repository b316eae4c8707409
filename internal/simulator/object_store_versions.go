package simulator

import (
	"cmp"
	"slices"
)

// archive moves the current object of a versioned container among its older versions.
func (c *swiftContainer) archive(name string) {
	object, ok := c.Objects[name]
	if !ok {
		return
	}
	delete(c.Objects, name)
	if c.Versions == nil {
		c.Versions = map[string][]*swiftObject{}
	}
	c.Versions[name] = append(c.Versions[name], object)
	slices.SortStableFunc(c.Versions[name], func(a, b *swiftObject) int { return cmp.Compare(a.Modified, b.Modified) })
}

// find is the current object, or the version that is asked for.
func (c *swiftContainer) find(name, version string) *swiftObject {
	object, ok := c.Objects[name]
	if version == "" {
		if !ok {
			return nil
		}
		return object
	}
	if ok && object.version() == version {
		return object
	}
	for _, old := range c.Versions[name] {
		if old.version() == version {
			return old
		}
	}
	return nil
}

// forget deletes one version for good.
func (c *swiftContainer) forget(name, version string) {
	if object, ok := c.Objects[name]; ok && object.version() == version {
		delete(c.Objects, name)
		return
	}
	c.Versions[name] = slices.DeleteFunc(c.Versions[name], func(o *swiftObject) bool { return o.version() == version })
	if len(c.Versions[name]) == 0 {
		delete(c.Versions, name)
	}
}
