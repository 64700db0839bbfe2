variable "suffix" {
  description = "Ends the name of everything that the lab makes."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,39}$", var.suffix))
    error_message = "The suffix must have 1 to 40 small letters, digits and dashes, and begin with a letter or digit: it becomes part of host names."
  }
}

variable "flavor_id" {
  description = "ID of the nodes' flavor: that of a flavor reservation, or of a plain flavor."
  type        = string
  nullable    = false

  validation {
    condition     = trimspace(var.flavor_id) == var.flavor_id && length(var.flavor_id) > 0
    error_message = "The flavor's ID must not be empty, nor have spaces around it. An ID is needed here, not a name."
  }
}

variable "key_pair" {
  description = "Name of the key pair that opens the nodes."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.key_pair) > 0
    error_message = "Without a key pair nobody can log in."
  }
}

variable "cidr" {
  description = "Addresses of the private network."
  type        = string
  default     = "192.168.1.0/24"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 200))
    error_message = "The range must be written like 192.168.1.0/24 and have room for 200 addresses."
  }
}

variable "nodes" {
  description = "Which address within `cidr` each of the three nodes gets, counted from the range's first."
  type        = map(number)
  default = {
    node1 = 11
    node2 = 12
    node3 = 13
  }
  nullable = false

  validation {
    condition     = length(var.nodes) == 3
    error_message = "The lab has three nodes."
  }

  validation {
    condition     = alltrue([for number in values(var.nodes) : number >= 10 && number <= 200])
    error_message = "Each number must lie between 10 and 200: those below are kept for the network's own use."
  }

  validation {
    condition     = length(distinct(values(var.nodes))) == length(var.nodes)
    error_message = "Two nodes can't share an address."
  }
}

variable "entry" {
  description = "Name of the node that gets the floating IP; the first by name where it is null."
  type        = string
  default     = null
}

variable "image" {
  description = "Name of the nodes' image."
  type        = string
  default     = "CC-Ubuntu24.04"
  nullable    = false
}

variable "shared_network" {
  description = "Name of the network that leads outside."
  type        = string
  default     = "sharednet1"
  nullable    = false

  validation {
    condition     = contains(["sharednet1", "sharednet2", "sharednet3"], var.shared_network)
    error_message = "The shared networks are sharednet1, sharednet2 and sharednet3."
  }
}

variable "pool" {
  description = "Name of the network that floating IPs come from."
  type        = string
  default     = "public"
  nullable    = false
}

variable "security_groups" {
  description = "Names of existing security groups for the shared network."
  type        = set(string)
  default     = ["allow-ssh"]
  nullable    = false

  validation {
    condition     = contains(var.security_groups, "allow-ssh")
    error_message = "Keep allow-ssh among the groups, or nobody can log in."
  }
}

variable "setup" {
  description = "Shell commands that each node runs when it boots first."
  type        = string
  default     = ""
  nullable    = false
}
