variable "project" {
  description = "Ends the name of everything."
  type        = string

  validation {
    condition     = can(regex("^project[0-9]+$", var.project))
    error_message = "The project must be named projectN, such as project7: what is not may be deleted by the course's clean-up."
  }
}

variable "cidr" {
  description = "Addresses of the three tiers; each gets a quarter, and one is left."
  type        = string
  default     = "10.9.0.0/22"
}

variable "web_ports" {
  description = "Ports that the web tier opens to everybody."
  type        = set(number)
  default     = [80, 443]
}

variable "app_count" {
  description = "How many application servers."
  type        = number
  default     = 2

  validation {
    condition     = var.app_count >= 1 && var.app_count <= 4
    error_message = "Between one and four application servers fit into the quota."
  }
}

variable "volume_gib" {
  description = "Size of the database's volume in GiB."
  type        = number
  default     = 10
}

variable "with_bastion" {
  description = "Whether a bastion is the only way in for administrators; otherwise SSH is open on the web server."
  type        = bool
  default     = true
}

variable "with_lab" {
  description = "Whether the project also gets a cluster of three nodes on its reservation."
  type        = bool
  default     = true
}

variable "reservation" {
  description = "UUID of the flavor that is reserved for the cluster."
  type        = string
}
