package compute

import (
	"crypto/sha1" //nolint:gosec // it protects nothing: the common provider compares user data by it
	"encoding/hex"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

var _ lifecycle.StateMover[serverModel] = server{}

// MovesFrom names the type of the common provider.
func (server) MovesFrom() []string { return []string{"openstack_compute_instance_v2"} }

// MoveState takes the user data, which Nova does not tell. The common provider's state has its hash.
func (server) MoveState(from lifecycle.MovedState, m *serverModel) error {
	m.UserData = value.StringOrNull(from.String("user_data"))
	return nil
}

// sameUserData tells whether a server has this user data already: of one that was moved from the common provider only
// its hash is known, as it was written there, be it in Base64.
func sameUserData(prior, plan types.String) bool {
	if plan.Equal(prior) {
		return true
	}
	if !value.Known(prior) || !value.Known(plan) {
		return false
	}
	for _, text := range [][]byte{[]byte(plan.ValueString()), encoded(plan.ValueString())} {
		hash := sha1.Sum(text) //nolint:gosec // see the import
		if hex.EncodeToString(hash[:]) == prior.ValueString() {
			return true
		}
	}
	return false
}
