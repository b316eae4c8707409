variable "name" {
  description = "Name of the proxy and of what is around it."
  type        = string
  default     = "edge"
}

variable "external_network" {
  description = "Network of the floating IP that customers' DNS leads to."
  type        = string
  default     = "ext-floating1"
}

variable "nodes" {
  description = "What the proxy's nodes are made of."
  type        = object({ flavor = string, image = string, count = number })
  default     = { flavor = "a1-ram2-disk20", image = "Debian 12", count = 2 }
}

variable "binary" {
  description = "Where nodes get their program from."
  type        = object({ url = string, sha256 = string })
}

variable "wait_for_nodes" {
  description = "Whether an apply ends only when the nodes serve it."
  type        = bool
  default     = true
}

variable "old_fleet" {
  description = "Addresses of the fleet that serves today, by name."
  type        = map(string)
  default     = { apache-1 = "10.8.0.101", apache-2 = "10.8.0.102" }
}

variable "domains" {
  description = "Domains of the customers."
  type        = set(string)
}

variable "new_fleet_share" {
  description = "How many of 100 new connections go to the proxy. 0 takes it out of use, 100 the old fleet."
  type        = number
  default     = 0

  validation {
    condition     = var.new_fleet_share >= 0 && var.new_fleet_share <= 100
    error_message = "It is a share of 100."
  }
}

variable "moved" {
  description = "How many of the domains, in alphabetical order, the new version serves."
  type        = number
  default     = 0
}

variable "v2_share" {
  description = "How many of 100 customers of the new version see its second release."
  type        = number
  default     = 0

  validation {
    condition     = var.v2_share >= 0 && var.v2_share <= 100
    error_message = "It is a share of 100."
  }
}
