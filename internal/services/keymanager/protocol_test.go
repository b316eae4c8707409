package keymanager_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/keymanager/v1/secrets"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// warned plans a new object and returns what the provider warns of.
func warned(t *testing.T, s *acctest.Server, typ string, values map[string]string) string {
	t.Helper()
	schema := s.Schemas.ResourceSchemas[typ].ValueType()
	config := map[string]tftypes.Value{}
	proposed := map[string]tftypes.Value{
		"project_access": tftypes.NewValue(tftypes.Bool, true),
		"id":             tftypes.NewValue(tftypes.String, tftypes.UnknownValue),
		"ref":            tftypes.NewValue(tftypes.String, tftypes.UnknownValue),
	}
	for name, v := range values {
		config[name] = tftypes.NewValue(tftypes.String, v)
		if name != "private_key" {
			proposed[name] = config[name]
		}
	}
	none, err := tfprotov6.NewDynamicValue(schema, tftypes.NewValue(schema, nil))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: typ, PriorState: &none, Config: acctest.Dynamic(t, schema, config), ProposedNewState: acctest.Dynamic(t, schema, proposed),
	})
	if err != nil {
		t.Fatal(err)
	}
	acctest.Healthy(t, resp.Diagnostics)
	var all []string
	for _, d := range resp.Diagnostics {
		all = append(all, d.Summary+": "+d.Detail)
	}
	return strings.Join(all, "\n")
}

func TestExpiryIsShownInThePlan(t *testing.T) {
	s := acctest.New(t).Server(t)
	in := func(d time.Duration) map[string]string {
		return map[string]string{"name": "x", "secret_type": "opaque", "expiration": time.Now().Add(d).UTC().Format(time.RFC3339)}
	}
	const day = 24 * time.Hour
	if got := warned(t, s, "massif_secret", in(10*day)); !strings.Contains(got, "The secret expires soon") || !strings.Contains(got, "in 9 days") {
		t.Errorf("a secret for ten days: %q", got)
	}
	if got := warned(t, s, "massif_secret", in(40*day)); got != "" {
		t.Errorf("a secret for forty days: %q", got)
	}
	for name, tc := range map[string]struct {
		age, left time.Duration
		want      string
	}{
		"fresh":           {day, 80 * day, ""},
		"almost expired":  {80 * day, 10 * day, "The certificate expires soon: The certificate of CN=shop expires at"},
		"for a week":      {day, 5 * day, ""},
		"end of the week": {6 * day, day, "The certificate expires soon"},
		"of tomorrow":     {-day, 90 * day, "The certificate is not valid yet"},
	} {
		a := leaf(t, ecdsaKey(t), nil, lasting(tc.age, tc.left))
		got := warned(t, s, "massif_certificate", map[string]string{"certificate": a.pem, "private_key": keyPEM(t, a.key)})
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// Of the secrets those are certificates that are bundles.
func TestCertificatesAreListed(t *testing.T) {
	c := acctest.New(t)
	client, err := c.KeyManager()
	if err != nil {
		t.Fatal(err)
	}
	a := leaf(t, ecdsaKey(t), nil)
	bundle, err := pkcs12.Modern2023.Encode(a.key, a.certificate, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for kind, content := range map[string]string{"bundle": string(bundle), "other": "nothing of the kind"} {
		made, err := secrets.Create(t.Context(), client, secrets.CreateOpts{Name: c.Prefix + "-" + kind}).Extract()
		if err != nil {
			t.Fatal(err)
		}
		id := made.SecretRef[strings.LastIndex(made.SecretRef, "/")+1:]
		t.Cleanup(func() {
			if err := secrets.Delete(context.WithoutCancel(t.Context()), client, id).ExtractErr(); err != nil {
				t.Error(err)
			}
		})
		if err := secrets.Update(t.Context(), client, id, secrets.UpdateOpts{ContentType: "application/octet-stream", Payload: content}).ExtractErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := c.Server(t)
	lister, ok := s.ProviderServer.(tfprotov6.ListResourceServer)
	if !ok {
		t.Fatal("the provider lists nothing")
	}
	schema := s.Schemas.ListResourceSchemas["massif_certificate"].ValueType()
	stream, err := lister.ListResource(t.Context(), &tfprotov6.ListResourceRequest{
		TypeName: "massif_certificate", Config: acctest.Dynamic(t, schema, nil), IncludeResource: true, Limit: 100,
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := range stream.Results {
		acctest.Healthy(t, r.Diagnostics)
		if strings.HasPrefix(r.DisplayName, c.Prefix) {
			names = append(names, strings.TrimPrefix(r.DisplayName, c.Prefix))
		}
	}
	if strings.Join(names, " ") != "-bundle" {
		t.Errorf("listed are %v", names)
	}
}
