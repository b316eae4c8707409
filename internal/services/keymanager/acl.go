package keymanager

import (
	"context"
	"fmt"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/acls"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/attribute"
	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

func projectAccess() schema.BoolAttribute {
	return attribute.Flag("Whether the users of the project may read it. Whoever made it always may.", true)
}

func readUsers() schema.SetAttribute {
	return schema.SetAttribute{
		MarkdownDescription: "IDs of further users that may read it, of any project. Users that a service enters by itself, as Octavia does for its " +
			"listeners' certificates, are left alone. When not set, nobody is entered and nobody is removed.",
		ElementType:   types.StringType,
		Optional:      true,
		Computed:      true,
		PlanModifiers: []planmodifier.Set{setplanmodifier.UseStateForUnknown()},
		Validators: []validator.Set{
			setvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 255)),
		},
	}
}

// accessList says who may read a secret.
type accessList struct {
	project bool
	users   []string
}

// readACL reads a secret's access list. Where the user's role is not enough for that, it is taken for the default.
func readACL(ctx context.Context, client *gophercloud.ServiceClient, id string) (accessList, error) {
	list := accessList{project: true}
	found, err := acls.GetSecretACL(ctx, client, id).Extract()
	if openstack.Forbidden(err) {
		return list, nil
	}
	if err != nil {
		return list, fmt.Errorf("read the access list: %w", err)
	}
	if read, ok := (*found)["read"]; ok {
		list = accessList{project: read.ProjectAccess, users: read.Users}
	}
	return list, nil
}

// shared are the attributes of the access list, which secrets and certificates have alike.
type shared struct {
	projectAccess *types.Bool
	readUsers     *types.Set
}

// write makes the access list what the plan says: users that others have entered stay.
func (s shared) write(ctx context.Context, cloud *openstack.Cloud, id string, prior types.Set) error {
	client, err := cloud.KeyManager()
	if err != nil {
		return err
	}
	list, err := readACL(ctx, client, id)
	if err != nil {
		return err
	}
	users := list.users
	if value.Known(*s.readUsers) {
		wanted := value.Strings(*s.readUsers)
		removed := value.Strings(prior)
		users = slices.DeleteFunc(slices.Clone(users), func(u string) bool { return slices.Contains(removed, u) && !slices.Contains(wanted, u) })
		users = append(users, wanted...)
		slices.Sort(users)
		users = slices.Compact(users)
	}
	project := s.projectAccess.ValueBool()
	if project == list.project && slices.Equal(slices.Sorted(slices.Values(list.users)), slices.Sorted(slices.Values(users))) {
		return nil
	}
	if users == nil {
		users = []string{}
	}
	_, err = acls.UpdateSecretACL(ctx, client, id, acls.SetOpts{{Type: "read", Users: &users, ProjectAccess: &project}}).Extract()
	if err != nil {
		return lifecycle.At(path.Root("read_users"), fmt.Errorf("set the access list: %w", err))
	}
	return nil
}

// read brings the attributes up to date: of the users, those that are ours.
func (s shared) read(ctx context.Context, cloud *openstack.Cloud, id string) error {
	client, err := cloud.KeyManager()
	if err != nil {
		return err
	}
	list, err := readACL(ctx, client, id)
	if err != nil {
		return err
	}
	*s.projectAccess = types.BoolValue(list.project)
	users := list.users
	if value.Known(*s.readUsers) {
		ours := value.Strings(*s.readUsers)
		users = slices.DeleteFunc(slices.Clone(users), func(u string) bool { return !slices.Contains(ours, u) })
	}
	*s.readUsers = value.Set(users)
	return nil
}
