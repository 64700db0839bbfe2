variable "project" {
  description = "Ends every name, so that the course's clean-up finds what is ours."
  type        = string
  default     = "project7"
}

variable "time_zone" {
  description = "The zone that the dates below are in."
  type        = string
  default     = "America/New_York"
}

variable "gpu_start" {
  description = "When the GPU nodes are needed: the week before the deadline."
  type        = string
  default     = "2027-03-13 09:00"
}

variable "gpu_end" {
  description = "When they go back: the evening of the deadline."
  type        = string
  default     = "2027-03-19 21:00"
}

variable "nodes" {
  description = "One node of each type, by the name of its role."
  type        = map(string)
  default = {
    train = "gpu_a100_pcie"
    serve = "gpu_v100"
  }
}

variable "key" {
  description = "Name of a key pair that exists at both sites."
  type        = string
  default     = "id_rsa_chameleon"
}
