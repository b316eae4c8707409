// Package functions are the provider's functions: what HCL itself says clumsily.
package functions

import "github.com/hashicorp/terraform-plugin-framework/function"

// All are the functions of the provider.
func All() []func() function.Function {
	return []func() function.Function{
		func() function.Function { return kubernetesSecurityRules{} },
	}
}
