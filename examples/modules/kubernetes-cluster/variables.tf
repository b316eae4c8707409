variable "name" {
  description = "Name of the cluster and of everything that belongs to it."
  type        = string
}

variable "cidr" {
  description = "IPv4 network of the cluster, a /16: its servers and agents get a /24 each."
  type        = string
}

variable "kubernetes_version" {
  description = "Release of RKE2 (+rke2r1) or k3s (+k3s1)."
  type        = string
}

variable "external_network" {
  description = "Network of the floating IPs."
  type        = string
}

variable "image" {
  description = "Image of all nodes."
  type        = string
}

variable "servers" {
  description = "Control plane: an odd number of servers and their flavor."
  type        = object({ flavor = string, size = number })
}

variable "agents" {
  description = "Workers: how many and their flavor."
  type        = object({ flavor = string, size = number })
}

variable "admin_cidrs" {
  description = "From where people reach SSH and the API."
  type        = list(string)
}

variable "backups" {
  description = "Object containers beside the one for etcd, by what they hold."
  type        = set(string)
  default     = ["backup"]
}

variable "wait_for" {
  description = "When the cluster counts as created: `ready` (its nodes are) or `servers` (the VMs run)."
  type        = string
  default     = "ready"
}

variable "force_destroy" {
  description = "Destroy the object containers with what is in them."
  type        = bool
  default     = false
}
