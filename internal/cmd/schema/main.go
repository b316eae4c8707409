// Command schema prints the provider's schemas in the form of `terraform providers schema -json`, whole whichever Terraform is
// installed: those before 1.14 leave out identities, list resources and actions, and the documentation would with them.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"

	"github.com/massif-cloud/terraform-provider-massif/internal/provider"
)

// address is that of all providers without a namespace: the generator of the documentation asks for it.
const address = "registry.terraform.io/hashicorp/massif"

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	server, err := providerserver.NewProtocol6WithError(provider.New("dev")())()
	if err != nil {
		return fmt.Errorf("start the provider: %w", err)
	}
	schemas, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return fmt.Errorf("read the schemas: %w", err)
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return fmt.Errorf("read the identities: %w", err)
	}
	for _, d := range append(schemas.Diagnostics, identities.Diagnostics...) {
		return fmt.Errorf("%s: %s", d.Summary, d.Detail)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	return out.Encode(tfjson.ProviderSchemas{
		FormatVersion: "1.0",
		Schemas: map[string]*tfjson.ProviderSchema{address: {
			ConfigSchema:             schemaOf(schemas.Provider),
			ResourceSchemas:          each(schemas.ResourceSchemas, schemaOf),
			DataSourceSchemas:        each(schemas.DataSourceSchemas, schemaOf),
			EphemeralResourceSchemas: each(schemas.EphemeralResourceSchemas, schemaOf),
			ListResourceSchemas:      each(schemas.ListResourceSchemas, schemaOf),
			ActionSchemas: each(schemas.ActionSchemas, func(a *tfprotov6.ActionSchema) *tfjson.ActionSchema {
				return &tfjson.ActionSchema{Block: blockOf(a.Schema.Block)}
			}),
			Functions:               each(schemas.Functions, functionOf),
			ResourceIdentitySchemas: each(identities.IdentitySchemas, identityOf),
		}},
	})
}

func each[From, To any](from map[string]From, convert func(From) To) map[string]To {
	to := map[string]To{}
	for name, v := range from {
		to[name] = convert(v)
	}
	return to
}

func schemaOf(s *tfprotov6.Schema) *tfjson.Schema {
	return &tfjson.Schema{Version: uint64(s.Version), Block: blockOf(s.Block)} //nolint:gosec // versions count from zero
}

func blockOf(b *tfprotov6.SchemaBlock) *tfjson.SchemaBlock {
	block := &tfjson.SchemaBlock{
		Attributes:      attributesOf(b.Attributes),
		NestedBlocks:    map[string]*tfjson.SchemaBlockType{},
		Description:     b.Description,
		DescriptionKind: kindOf(b.DescriptionKind),
		Deprecated:      b.Deprecated,
	}
	for _, nested := range b.BlockTypes {
		block.NestedBlocks[nested.TypeName] = &tfjson.SchemaBlockType{
			NestingMode: map[tfprotov6.SchemaNestedBlockNestingMode]tfjson.SchemaNestingMode{
				tfprotov6.SchemaNestedBlockNestingModeSingle: tfjson.SchemaNestingModeSingle,
				tfprotov6.SchemaNestedBlockNestingModeList:   tfjson.SchemaNestingModeList,
				tfprotov6.SchemaNestedBlockNestingModeSet:    tfjson.SchemaNestingModeSet,
			}[nested.Nesting],
			Block: blockOf(nested.Block),
		}
	}
	return block
}

func attributesOf(all []*tfprotov6.SchemaAttribute) map[string]*tfjson.SchemaAttribute {
	attributes := map[string]*tfjson.SchemaAttribute{}
	for _, a := range all {
		attribute := &tfjson.SchemaAttribute{
			Description:     a.Description,
			DescriptionKind: kindOf(a.DescriptionKind),
			Deprecated:      a.Deprecated,
			Required:        a.Required,
			Optional:        a.Optional,
			Computed:        a.Computed,
			Sensitive:       a.Sensitive,
			WriteOnly:       a.WriteOnly,
		}
		if a.NestedType == nil {
			attribute.AttributeType = typeOf(a.Type)
		} else {
			attribute.AttributeNestedType = &tfjson.SchemaNestedAttributeType{
				Attributes: attributesOf(a.NestedType.Attributes),
				NestingMode: map[tfprotov6.SchemaObjectNestingMode]tfjson.SchemaNestingMode{
					tfprotov6.SchemaObjectNestingModeSingle: tfjson.SchemaNestingModeSingle,
					tfprotov6.SchemaObjectNestingModeList:   tfjson.SchemaNestingModeList,
					tfprotov6.SchemaObjectNestingModeSet:    tfjson.SchemaNestingModeSet,
					tfprotov6.SchemaObjectNestingModeMap:    tfjson.SchemaNestingModeMap,
				}[a.NestedType.Nesting],
			}
		}
		attributes[a.Name] = attribute
	}
	return attributes
}

func identityOf(s *tfprotov6.ResourceIdentitySchema) *tfjson.IdentitySchema {
	identity := &tfjson.IdentitySchema{Version: uint64(s.Version), Attributes: map[string]*tfjson.IdentityAttribute{}} //nolint:gosec // versions count from zero
	for _, a := range s.IdentityAttributes {
		identity.Attributes[a.Name] = &tfjson.IdentityAttribute{
			IdentityType: typeOf(a.Type), Description: a.Description, RequiredForImport: a.RequiredForImport, OptionalForImport: a.OptionalForImport,
		}
	}
	return identity
}

func functionOf(f *tfprotov6.Function) *tfjson.FunctionSignature {
	signature := &tfjson.FunctionSignature{
		Description: f.Description, Summary: f.Summary, DeprecationMessage: f.DeprecationMessage, ReturnType: typeOf(f.Return.Type),
	}
	for _, p := range f.Parameters {
		signature.Parameters = append(signature.Parameters, &tfjson.FunctionParameter{
			Name: p.Name, Description: p.Description, IsNullable: p.AllowNullValue, Type: typeOf(p.Type),
		})
	}
	return signature
}

func kindOf(k tfprotov6.StringKind) tfjson.SchemaDescriptionKind {
	if k == tfprotov6.StringKindMarkdown {
		return tfjson.SchemaDescriptionKindMarkdown
	}
	return tfjson.SchemaDescriptionKindPlain
}

// typeOf goes by way of JSON, in which both libraries write types alike.
func typeOf(t tftypes.Type) cty.Type {
	text, err := t.MarshalJSON() //nolint:staticcheck // meant for plugins that decode; this is one
	if err != nil {
		panic(fmt.Sprintf("the type %s has no JSON: %v", t, err))
	}
	var out cty.Type
	if err := json.Unmarshal(text, &out); err != nil {
		panic(fmt.Sprintf("the type %s is unknown to cty: %v", text, err))
	}
	return out
}
