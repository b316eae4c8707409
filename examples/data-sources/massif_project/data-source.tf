data "massif_project" "own" {}

output "project" {
  value = "${data.massif_project.own.name}: ${join(", ", data.massif_project.own.roles)}"
}
