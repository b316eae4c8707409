package kubernetes

import (
	"cmp"
	"slices"
	"time"
)

// Candidate is a node that a scale down may remove.
type Candidate struct {
	Name    string
	Ready   bool
	Current bool // made from the present spec
	Zone    string
	Created time.Time
}

// Victims chooses which nodes a scale down removes: those that are not ready, then
// those of an old spec, then those of the zone that has most, then the newest,
// because the oldest have proved themselves.
func Victims(nodes []Candidate, count int) []Candidate {
	rest := slices.Clone(nodes)
	zones := map[string]int{}
	for _, node := range rest {
		zones[node.Zone]++
	}
	var victims []Candidate
	for len(victims) < count && len(rest) > 0 {
		victim := slices.MinFunc(rest, func(a, b Candidate) int {
			return cmp.Or(
				compareBool(a.Ready, b.Ready),
				compareBool(a.Current, b.Current),
				cmp.Compare(zones[b.Zone], zones[a.Zone]),
				b.Created.Compare(a.Created),
				cmp.Compare(a.Name, b.Name),
			)
		})
		victims = append(victims, victim)
		zones[victim.Zone]--
		rest = slices.DeleteFunc(rest, func(node Candidate) bool { return node.Name == victim.Name })
	}
	return victims
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
