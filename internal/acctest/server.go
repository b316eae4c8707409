package acctest

import (
	"maps"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Server is the provider of this cloud as Terraform speaks to it, configured. It is for what the Terraform that runs
// the tests may be too old to ask for.
type Server struct {
	tfprotov6.ProviderServer

	// Schemas are those of all its types.
	Schemas *tfprotov6.GetProviderSchemaResponse
	// Identities are the schemas of the resources' identities.
	Identities map[string]*tfprotov6.ResourceIdentitySchema
}

// Server starts the provider.
func (c *Cloud) Server(t *testing.T) *Server {
	t.Helper()
	s := Serve(t)
	values := map[string]tftypes.Value{}
	for name, v := range c.arguments {
		values[name] = tftypes.NewValue(tftypes.String, v)
	}
	resp, err := s.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: Dynamic(t, s.Schemas.Provider.ValueType(), values)})
	if err != nil {
		t.Fatal(err)
	}
	Healthy(t, resp.Diagnostics)
	return s
}

// As is the same simulator used by another user of the project.
func (c *Cloud) As(user string) *Cloud {
	other := *c
	other.arguments = maps.Clone(c.arguments)
	other.arguments["username"] = user
	return &other
}

// Serve starts a provider that is not configured.
func Serve(t *testing.T) *Server {
	t.Helper()
	server, err := Providers()["massif"]()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	Healthy(t, schemas.Diagnostics)
	identities, err := server.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	Healthy(t, identities.Diagnostics)
	return &Server{ProviderServer: server, Schemas: schemas, Identities: identities.IdentitySchemas}
}

// Dynamic is an object of a type, of which the values not given are null, as it is sent to the provider.
func Dynamic(t *testing.T, typ tftypes.Type, values map[string]tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	object, ok := typ.(tftypes.Object)
	if !ok {
		t.Fatalf("%s is no object", typ)
	}
	all := map[string]tftypes.Value{}
	for name, of := range object.AttributeTypes {
		all[name] = tftypes.NewValue(of, nil)
		if v, ok := values[name]; ok {
			all[name] = v
		}
	}
	dynamic, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, all))
	if err != nil {
		t.Fatal(err)
	}
	return &dynamic
}

// Healthy fails the test when the provider reports an error.
func Healthy(t *testing.T, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			t.Fatalf("%s: %s", d.Summary, d.Detail)
		}
	}
}
