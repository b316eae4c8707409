# The smallest flavor that has what is asked for.
data "massif_flavor" "small" {
  name = "a2-ram4-disk20"
}

output "memory" {
  value = "${data.massif_flavor.small.ram} MiB"
}
