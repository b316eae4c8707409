package kubernetes

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
)

// Distribution is a packaging of Kubernetes.
type Distribution string

// The distributions that a version's suffix can name.
const (
	RKE2 Distribution = "rke2"
	K3s  Distribution = "k3s"
)

// Version is a release of a distribution, such as v1.34.1+rke2r1.
type Version struct {
	Major, Minor, Patch int
	// Pre is the pre-release, such as rc1, or empty.
	Pre          string
	Distribution Distribution
	// Revision counts the distribution's releases of one Kubernetes version.
	Revision int
}

var versionPattern = regexp.MustCompile(`^v(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})(?:-([0-9A-Za-z.]+))?\+(rke2r|k3s)([1-9]\d{0,3})$`)

// ParseVersion reads a version as both distributions tag their releases.
func ParseVersion(text string) (Version, error) {
	parts := versionPattern.FindStringSubmatch(text)
	if parts == nil {
		return Version{}, fmt.Errorf("%q is no version of RKE2 or k3s: write the release's tag, such as v1.34.1+rke2r1 or v1.34.1+k3s1; "+
			"the part after + chooses the distribution", text)
	}
	version := Version{Pre: parts[4], Distribution: RKE2}
	if parts[5] == "k3s" {
		version.Distribution = K3s
	}
	for i, into := range map[int]*int{1: &version.Major, 2: &version.Minor, 3: &version.Patch, 6: &version.Revision} {
		number, err := strconv.Atoi(parts[i])
		if err != nil {
			return Version{}, fmt.Errorf("version %q: %w", text, err)
		}
		*into = number
	}
	return version, nil
}

// String is the release's tag.
func (v Version) String() string {
	text := fmt.Sprintf("v%d.%d.%d", v.Major, v.Minor, v.Patch)
	if v.Pre != "" {
		text += "-" + v.Pre
	}
	if v.Distribution == K3s {
		return fmt.Sprintf("%s+k3s%d", text, v.Revision)
	}
	return fmt.Sprintf("%s+rke2r%d", text, v.Revision)
}

// Compare orders versions of one distribution: negative when v is older than other.
func (v Version) Compare(other Version) int {
	return cmp.Or(
		cmp.Compare(v.Major, other.Major),
		cmp.Compare(v.Minor, other.Minor),
		cmp.Compare(v.Patch, other.Patch),
		comparePre(v.Pre, other.Pre),
		cmp.Compare(v.Revision, other.Revision),
	)
}

// comparePre puts a release after its candidates. Candidates of one release are
// numbered rc1, rc2 … rc10, so the shorter is the older.
func comparePre(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// CheckUpgrade says why a cluster cannot go from one version to another, or nil.
func CheckUpgrade(from, to Version) error {
	switch {
	case from.Distribution != to.Distribution:
		return fmt.Errorf("a cluster cannot change its distribution (from %s to %s)", from, to)
	case to.Compare(from) < 0:
		return fmt.Errorf("a cluster cannot be downgraded (from %s to %s): etcd and the API's objects keep the newer form", from, to)
	case to.Major != from.Major || to.Minor > from.Minor+1:
		return fmt.Errorf("no minor version may be skipped: %s goes to v%d.%d before it goes to %s", from, from.Major, from.Minor+1, to)
	}
	return nil
}

// CheckAgentVersion says why an agent of one version cannot join servers of
// another, or nil. Kubelets may be up to three minors older than the API server.
func CheckAgentVersion(servers, agent Version) error {
	switch {
	case servers.Distribution != agent.Distribution:
		return fmt.Errorf("agents and servers must be of one distribution: the servers run %s, so %s cannot join", servers, agent)
	case agent.Compare(servers) > 0:
		return fmt.Errorf("%s is newer than the servers' %s: upgrade the cluster first", agent, servers)
	case agent.Major != servers.Major || servers.Minor-agent.Minor > 3:
		return fmt.Errorf("%s is too old for servers of %s: agents may be three minor versions behind", agent, servers)
	}
	return nil
}
