// Package conformance holds no code but tests: they speak plain HTTP to a cloud and check the behaviours
// of OpenStack that the provider relies on. The same tests run on the simulator (default) and on the real
// cloud that OS_CLOUD names in clouds.yaml. What the real cloud does is right.
//
// Besides the named cloud some cases use admin, demo2 (a user of another project) and demo-reader (the role
// reader in the same project), where clouds.yaml has them.
package conformance
