// Package lifecycle turns a small typed handler into a Terraform resource, list resource, data source or action.
//
// What every type has to do right is done here once: the id is in the state before the first wait, a
// created or changed object is read back before it is saved, an object that is gone leaves the state,
// a failed update leaves in the state what became true, every wait obeys the timeouts and Ctrl-C, and
// errors tell what was attempted, in the API's own words, with the attribute that is to blame.
//
// The package stays closed: it has no options for special cases. A type whose life is truly different
// implements the framework's interfaces directly and uses [Report], [Warn] and [Object].
package lifecycle

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
)

// Object is what every resource's model embeds. Its attributes are added to the schema by [Resource].
type Object struct {
	ID       types.String   `tfsdk:"id"`
	Region   types.String   `tfsdk:"region"`
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

func (o *Object) object() *Object { return o }

// Model is a pointer to a struct that embeds [Object].
type Model[M any] interface {
	*M
	object() *Object
}

// Handler is one resource type: its name, its schema and the calls to the API.
//
// The cloud that a handler gets is already that of the object's region.
type Handler[M any] interface {
	// Name is the type's name without the provider's prefix, such as "security_group".
	Name() string
	// Schema has the type's own attributes; id, region and timeouts are added to it.
	Schema() schema.Schema
	// Create makes the object. It sets the model's ID as soon as the object exists, before anything
	// else can fail: what has an ID is saved even when Create returns an error.
	Create(ctx context.Context, cloud *openstack.Cloud, m *M) error
	// Read brings the model up to date with the cloud, and leaves alone what the API does not tell.
	// An error for which openstack.NotFound is true means that the object is gone.
	Read(ctx context.Context, cloud *openstack.Cloud, m *M) error
	// Delete removes the object and returns when it is gone. That it is gone already is no error.
	Delete(ctx context.Context, cloud *openstack.Cloud, m *M) error
}

// Updater is a handler whose objects can be changed in place. Without it only the timeouts can change.
type Updater[M any] interface {
	// Update makes the object what plan says. It is read back afterwards, also when this fails.
	Update(ctx context.Context, cloud *openstack.Cloud, plan, prior *M) error
}

// Waiter is a handler whose objects become usable some time after the API has accepted them.
type Waiter[M any] interface {
	// Wait returns when the object is usable. It is called after Create and Update, with the ID saved.
	Wait(ctx context.Context, cloud *openstack.Cloud, m *M) error
}

// Validator is a handler or source with rules that no single attribute can check. It is offered the
// configuration, of which any value may be unknown: what is not known yet is not wrong.
type Validator[M any] interface {
	// Validate returns errors made by [Invalid], several by errors.Join.
	Validate(ctx context.Context, config *M) error
}

// Planner is a handler that has a say in the plan.
type Planner[M any] interface {
	// Plan may complete change.Plan and ask for replacement. The cloud is nil while the provider's own
	// configuration is not known yet.
	Plan(ctx context.Context, cloud *openstack.Cloud, change *Change[M]) error
}

// Importer is a handler whose import identifier is more than an id.
type Importer[M any] interface {
	// Import fills what Read needs from the identifier that the user gave.
	Import(ctx context.Context, cloud *openstack.Cloud, id string, m *M) error
}

// Secrets is a handler with write-only arguments. Terraform gives them in the configuration only;
// they are in the model during Create and Update and are taken out of it before it is saved.
type Secrets[M any] interface {
	// Secrets copies every write-only value of from to to.
	Secrets(from, to *M)
}

// Timed is a handler that needs other default timeouts than ten minutes.
type Timed interface {
	Timeouts() Timeouts
}

// Timeouts are a type's default time limits; zero means ten minutes.
type Timeouts struct {
	Create, Read, Update, Delete time.Duration
}

// Change is what a plan would do to one object.
type Change[M any] struct {
	// Config is the configuration as written, with write-only values.
	Config *M
	// Plan is the planned state, which Plan may complete.
	Plan *M
	// Prior is the state before, or nil when the object is to be created.
	Prior *M

	replace path.Paths
}

// Replace says that the change at p can only be made by a new object.
func (c *Change[M]) Replace(p path.Path) {
	c.replace.Append(p)
}
