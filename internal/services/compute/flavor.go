package compute

import (
	"cmp"
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/lifecycle"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack"
	"github.com/massif-cloud/terraform-provider-massif/internal/openstack/lookup"
	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

// flavor looks up a size of servers: by name or id, or the smallest one that is large enough.
type flavor struct{}

var (
	_ lifecycle.Source[flavorModel]    = flavor{}
	_ lifecycle.Validator[flavorModel] = flavor{}
)

type flavorModel struct {
	lifecycle.SourceObject

	Name       types.String `tfsdk:"name"`
	MinVCPUs   types.Int64  `tfsdk:"min_vcpus"`
	MinRAM     types.Int64  `tfsdk:"min_ram"`
	MinDisk    types.Int64  `tfsdk:"min_disk"`
	VCPUs      types.Int64  `tfsdk:"vcpus"`
	RAM        types.Int64  `tfsdk:"ram"`
	Disk       types.Int64  `tfsdk:"disk"`
	Ephemeral  types.Int64  `tfsdk:"ephemeral"`
	Swap       types.Int64  `tfsdk:"swap"`
	Public     types.Bool   `tfsdk:"is_public"`
	ExtraSpecs types.Map    `tfsdk:"extra_specs"`
}

func (flavor) Name() string { return "flavor" }

func (flavor) Schema() schema.Schema {
	least := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Optional: true, Validators: []validator.Int64{int64validator.AtLeast(0)}}
	}
	found := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
	}
	return schema.Schema{
		MarkdownDescription: "A flavor, which is a size of servers: by `name` or `id`, or the smallest one with at least `min_vcpus`, `min_ram` and `min_disk`.",
		Attributes: map[string]schema.Attribute{
			"name":        schema.StringAttribute{MarkdownDescription: "Name of the flavor.", Optional: true, Computed: true},
			"min_vcpus":   least("Least number of virtual CPUs."),
			"min_ram":     least("Least memory, in MiB."),
			"min_disk":    least("Least size of the root disk, in GiB."),
			"vcpus":       found("Number of virtual CPUs."),
			"ram":         found("Memory in MiB."),
			"disk":        found("Size of the root disk in GiB; 0 when servers must start from a volume or get a disk of the image's size."),
			"ephemeral":   found("Size of the ephemeral disk in GiB."),
			"swap":        found("Size of the swap disk in MiB."),
			"is_public":   schema.BoolAttribute{MarkdownDescription: "Whether all projects may use it.", Computed: true},
			"extra_specs": schema.MapAttribute{MarkdownDescription: "Further properties of the flavor.", ElementType: types.StringType, Computed: true},
		},
	}
}

func (flavor) Validate(_ context.Context, config *flavorModel) error {
	named := !config.Name.IsNull() || !config.ID.IsNull()
	sized := !config.MinVCPUs.IsNull() || !config.MinRAM.IsNull() || !config.MinDisk.IsNull()
	switch {
	case named && sized:
		return lifecycle.Invalid(path.Root("name"), "look a flavor up by name or id, or by its least size, not by both")
	case !config.Name.IsNull() && !config.ID.IsNull():
		return lifecycle.Invalid(path.Root("name"), "look a flavor up by name or by id, not by both")
	case !named && !sized:
		return lifecycle.Invalid(path.Root("name"), "say which flavor: by name, by id or by min_vcpus, min_ram and min_disk")
	}
	return nil
}

func (flavor) Read(ctx context.Context, cloud *openstack.Cloud, m *flavorModel) error {
	all, err := lookup.Flavors(ctx, cloud)
	if err != nil {
		return err
	}
	var candidates []flavors.Flavor
	for _, f := range all {
		switch {
		case value.Known(m.ID) && f.ID != m.ID.ValueString(), value.Known(m.Name) && f.Name != m.Name.ValueString(),
			int64(f.VCPUs) < m.MinVCPUs.ValueInt64(), int64(f.RAM) < m.MinRAM.ValueInt64(), int64(f.Disk) < m.MinDisk.ValueInt64():
		default:
			candidates = append(candidates, f)
		}
	}
	if !value.Known(m.ID) && !value.Known(m.Name) && len(candidates) > 1 {
		candidates = []flavors.Flavor{slices.MinFunc(candidates, smaller)}
	}
	found, err := lookup.Only("flavor", candidates, all, lookup.DescribeFlavor)
	if err != nil {
		return err
	}
	m.flatten(found)
	return nil
}

// smaller orders flavors by what usually costs most.
func smaller(a, b flavors.Flavor) int {
	return cmp.Or(cmp.Compare(a.RAM, b.RAM), cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.Disk, b.Disk), cmp.Compare(a.Name, b.Name))
}

func (m *flavorModel) flatten(f flavors.Flavor) {
	m.ID = types.StringValue(f.ID)
	m.Name = types.StringValue(f.Name)
	m.VCPUs = value.Int(f.VCPUs)
	m.RAM = value.Int(f.RAM)
	m.Disk = value.Int(f.Disk)
	m.Ephemeral = value.Int(f.Ephemeral)
	m.Swap = value.Int(f.Swap)
	m.Public = types.BoolValue(f.IsPublic)
	m.ExtraSpecs = value.Map(f.ExtraSpecs)
}
