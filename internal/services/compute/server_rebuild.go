package compute

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// accepted is the answer of Nova's actions.
func accepted() *gophercloud.RequestOpts {
	return &gophercloud.RequestOpts{OkCodes: []int{http.StatusAccepted}}
}

// wantsRebuild says whether something changes that only a rebuild brings into the server.
func (m *serverModel) wantsRebuild(prior *serverModel) bool {
	return m.Rebuild.ValueBool() && (!m.ImageID.Equal(prior.ImageID) || !m.KeyPair.Equal(prior.KeyPair) ||
		!sameUserData(prior.UserData, m.UserData) || !m.UserDataWOVersion.Equal(prior.UserDataWOVersion))
}

// rebuild writes the image into the server again, with the key and the user data that it is to have.
func (m *serverModel) rebuild(ctx context.Context, cloud *openstack.Cloud) error {
	client, err := cloud.Compute()
	if err != nil {
		return err
	}
	if err := m.findImage(ctx, cloud); err != nil {
		return err
	}
	in := map[string]any{"imageRef": m.ImageID.ValueString(), "key_name": nil, "user_data": nil}
	if value.Known(m.KeyPair) {
		in["key_name"] = m.KeyPair.ValueString()
	}
	if data := m.userData(); data != "" {
		in["user_data"] = string(encoded(data))
	}
	id := m.ID.ValueString()
	_, err = client.Post(ctx, client.ServiceURL("servers", id, "action"), map[string]any{"rebuild": in}, nil, accepted())
	if err != nil {
		return blameServer(refused(id, fmt.Sprintf("rebuild server %q", m.Name.ValueString()), err))
	}
	_, err = settled(ctx, cloud, m)
	return err
}
