package reverseproxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/massif-cloud/terraform-provider-massif/internal/acctest"
)

// Five thousand routes are written with one request and refreshed with another. What a plan takes is in TestPlanOfThousands.
func TestRoutesOfThousands(t *testing.T) {
	c := acctest.OnSimulator(t, "it counts requests")
	many := func(upstream string) string {
		return containers("a") + set("test", "local.a", fmt.Sprintf(`{ for i in setproduct(range(5), range(1000)) : "customer-${i[0]}-${i[1]}.example.ch" => i[0] + i[1] == 0 ? %q : "shop" }`, upstream), "")
	}
	count := func() map[string]int {
		found := map[string]int{}
		for _, r := range c.Simulator.Requests() {
			if strings.HasSuffix(r.Path, "/routes/test.json.gz") {
				found[r.Method]++
			}
		}
		c.Simulator.ResetRequests()
		return found
	}
	var begin time.Time
	c.Test(t,
		resource.TestStep{Config: containers("a")},
		resource.TestStep{
			PreConfig: func() { c.Simulator.ResetRequests(); begin = time.Now() },
			Config:    many("shop"),
		},
		resource.TestStep{
			PreConfig: func() {
				t.Logf("create, with its plans and refreshes: %s, %v", time.Since(begin).Round(10*time.Millisecond), count())
				begin = time.Now()
			},
			RefreshState: true,
		},
		resource.TestStep{
			PreConfig: func() {
				found := count()
				t.Logf("refresh: %s, %v", time.Since(begin).Round(10*time.Millisecond), found)
				if found[http.MethodGet] != 0 || found[http.MethodPut] != 0 || found[http.MethodHead] == 0 {
					t.Errorf("a refresh without drift: %v", found)
				}
				begin = time.Now()
			},
			Config: many("shop"), PlanOnly: true,
		},
		resource.TestStep{
			PreConfig: func() {
				t.Logf("plan without a change: %s, %v", time.Since(begin).Round(10*time.Millisecond), count())
				begin = time.Now()
			},
			Config: many("blog"),
		},
		resource.TestStep{
			PreConfig: func() {
				found := count()
				t.Logf("change of one route, with its plans and refreshes: %s, %v", time.Since(begin).Round(10*time.Millisecond), found)
				if found[http.MethodPut] != 1 || found[http.MethodGet] != 0 {
					t.Errorf("the change of one route: %v", found)
				}
			},
			Config: containers("a"),
		},
	)
}
