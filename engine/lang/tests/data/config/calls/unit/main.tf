variable "size" {}

output "address" {
  value = var.size
}
