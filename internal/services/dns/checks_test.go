package dns_test

import (
	"net/http"
	"testing"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// call sends a request behind Terraform's back.
func call(t *testing.T, c *acctest.Cloud, method string, body any, path ...string) (map[string]any, error) {
	t.Helper()
	client, err := c.DNS()
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	_, err = client.Request(t.Context(), method, client.ServiceURL(path...), &gophercloud.RequestOpts{
		JSONBody: body, JSONResponse: &answer, OkCodes: []int{http.StatusOK, http.StatusCreated, http.StatusAccepted},
	})
	return answer, err
}
