variable "suffix" {
  description = "Ends the name of everything: your net ID, or projectN"
  type        = string
  nullable    = false
}

variable "key" {
  description = "Name of the key pair that opens the nodes"
  type        = string
  default     = "id_rsa_chameleon"
}

variable "reservation" {
  description = "UUID of the reserved flavor"
  type        = string
}

variable "nodes" {
  description = "Address of each node on the private network"
  type        = map(string)
  default = {
    "node1" = "192.168.1.11"
    "node2" = "192.168.1.12"
    "node3" = "192.168.1.13"
  }
}
