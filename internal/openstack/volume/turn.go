package volume

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// turn is how long InTurn waits for other servers: Cinder serves one after the other, and one that is being made lets it go
// on only when it boots.
const turn = 10 * time.Minute

// inTransit are the states of a volume that Cinder is giving to a server or taking from it.
var inTransit = []string{"reserved", "attaching", "detaching"}

// stateRefused finds in a refusal of Cinder's the states that would do, and the volume's where it is named.
var stateRefused = regexp.MustCompile(`(?i)status must be (.+?)(?:current(?:ly| status is):? ([\w-]+)|$)`)

var word = regexp.MustCompile(`[\w-]+`)

// InTurn calls ask, which wants something of the volume, again while it is refused because of the servers that use it: as
// long as one of them is getting or losing it, and for a while when it is another one's, which the same plan may be
// taking it from. The id may be "" where the refusals name the state, as Nova's do for a new server.
func InTurn(ctx context.Context, cloud *openstack.Cloud, id string, ask func(context.Context) error) error {
	passing := func(err error) bool {
		allowed, state, ok := refusedState(err)
		if !ok {
			return false
		}
		if state == "" && id != "" {
			now, err := Get(ctx, cloud, id)
			if err != nil {
				return false
			}
			state = now.Status
		}
		// The state is from before Cinder tried, or from after it refused: one that would do says that somebody was quicker
		// (_attachment_reserve in cinder/volume/api.py).
		return slices.Contains(inTransit, state) || slices.Contains(word.FindAllString(allowed, -1), state)
	}
	return openstack.Unused(ctx, func(ctx context.Context) error {
		return openstack.Insist(ctx, turn, ask, passing)
	}, attachedElsewhere)
}

// attachedElsewhere says whether another server has a volume that is for one alone.
func attachedElsewhere(err error) bool {
	if fault, _ := openstack.FaultOf(err); openstack.BadRequest(err) && strings.Contains(fault.Message, "is already attached to instances") {
		return true
	}
	allowed, state, ok := refusedState(err)
	return ok && state == InUse && strings.Contains(allowed, "to reserve")
}

func refusedState(err error) (allowed, state string, ok bool) {
	fault, _ := openstack.FaultOf(err)
	said := stateRefused.FindStringSubmatch(fault.Message)
	if !openstack.BadRequest(err) || said == nil {
		return "", "", false
	}
	return said[1], said[2], true
}
