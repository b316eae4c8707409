variable "kubernetes_version" {
  description = "Release of all clusters."
  type        = string
  default     = "v1.34.1+rke2r1"
}

variable "external_network" {
  description = "Network of the floating IPs."
  type        = string
  default     = "ext-floating1"
}

variable "image" {
  description = "Image of all nodes."
  type        = string
  default     = "Debian 12"
}

variable "flavor" {
  description = "Flavor of all nodes."
  type        = string
  default     = "a2-ram4-disk20"
}

variable "admin_cidrs" {
  description = "From where people reach SSH and the API."
  type        = list(string)
  default     = ["203.0.113.7/32"]
}

variable "wait_for" {
  description = "When a cluster counts as created: `ready` or `servers`."
  type        = string
  default     = "ready"
}
