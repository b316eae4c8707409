package objectstorage

import (
	"maps"
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/massif-cloud/terraform-provider-massif/internal/value"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	empty := containerModel{Metadata: value.Map(nil), ReadACL: value.Set(nil), WriteACL: value.Set(nil)}
	public := empty
	public.ReadACL = value.Set([]string{".rlistings", ".r:*"})
	public.Metadata = value.Map(map[string]string{"Owner": "ops"})
	public.QuotaCount = types.Int64Value(0)
	public.Versioning = types.BoolValue(true)
	public.TempURLKey, public.TempURLKeysVersion = types.StringValue("k"), types.Int64Value(1)
	rekeyed := public
	rekeyed.TempURLKey, rekeyed.TempURLKey2, rekeyed.TempURLKeysVersion = types.StringNull(), types.StringValue("l"), types.Int64Value(2)
	unknown := empty
	unknown.QuotaBytes, unknown.StaticWeb = types.Int64Unknown(), types.ObjectUnknown(map[string]attr.Type{})
	for name, tc := range map[string]struct {
		plan, prior *containerModel
		want        map[string]string
	}{
		"nothing":               {&empty, nil, map[string]string{}},
		"nothing is new":        {&public, &public, map[string]string{}},
		"unknown is no setting": {&unknown, nil, map[string]string{}},
		"everything is new": {&public, nil, map[string]string{
			"X-Container-Read": ".r:*,.rlistings", "X-Container-Meta-Owner": "ops", "X-Container-Meta-Quota-Count": "0",
			"X-Versions-Enabled": "true", "X-Container-Meta-Temp-Url-Key": "k",
		}},
		"everything goes": {&empty, &public, map[string]string{
			"X-Remove-Container-Read": "x", "X-Remove-Container-Meta-Owner": "x", "X-Remove-Container-Meta-Quota-Count": "x",
			"X-Versions-Enabled": "false", "X-Remove-Container-Meta-Temp-Url-Key": "x", "X-Remove-Container-Meta-Temp-Url-Key-2": "x",
		}},
		"new keys": {&rekeyed, &public, map[string]string{"X-Remove-Container-Meta-Temp-Url-Key": "x", "X-Container-Meta-Temp-Url-Key-2": "l"}},
	} {
		got, err := tc.plan.headers(t.Context(), tc.prior)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !maps.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestFlatten(t *testing.T) {
	t.Parallel()
	headers := http.Header{}
	for name, v := range map[string]string{
		"X-Container-Read": ".r:*, .rlistings", "X-Container-Meta-Cost-Center": "42", "X-Container-Meta-Other": "x", "X-Container-Meta-Quota-Bytes": "7",
		"X-Container-Meta-Temp-Url-Key": "secret", "X-Versions-Enabled": "True", "X-Storage-Policy": "gold",
		"X-Container-Meta-Access-Control-Allow-Origin": "https://a https://b", "X-Container-Meta-Web-Index": "i.html", "X-Container-Meta-Web-Listings": "true",
	} {
		headers.Set(name, v)
	}
	m := containerModel{Metadata: value.Map(map[string]string{"Cost-CENTER": "41"})}
	m.ID = types.StringValue("c")
	if err := m.flatten(t.Context(), headers); err != nil {
		t.Fatal(err)
	}
	if want := value.Map(map[string]string{"Cost-CENTER": "42", "other": "x"}); !m.Metadata.Equal(want) {
		t.Errorf("metadata keeps the case that was written: %v", m.Metadata)
	}
	if !m.ReadACL.Equal(value.Set([]string{".rlistings", ".r:*"})) || !m.WriteACL.Equal(value.Set(nil)) {
		t.Errorf("ACL: %v %v", m.ReadACL, m.WriteACL)
	}
	if m.QuotaBytes.ValueInt64() != 7 || !m.QuotaCount.IsNull() || !m.Versioning.ValueBool() || m.StoragePolicy.ValueString() != "gold" || m.Name.ValueString() != "c" {
		t.Errorf("settings: %+v", m)
	}
	if m.CORS.IsNull() || m.StaticWeb.IsNull() {
		t.Errorf("CORS %v, static web %v", m.CORS, m.StaticWeb)
	}
	headers.Set("X-Container-Meta-Quota-Count", "many")
	if err := m.flatten(t.Context(), headers); err == nil {
		t.Error("a quota that is no number passed")
	}
}
