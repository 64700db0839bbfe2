variable "a" {
  default = "x   #~ error T0001: Invalid multi-line string
}

variable "b" {
  default = 'x' #~ error T0001: Single quotes are not valid
}

variable "c" {
  default = 1 & 2 #~ error T0001: Bitwise operators are not supported. Did you mean boolean AND
}

variable "d" {
  default = [1, 2) #~ error T0001: closing parenthesis
}

variable "e" { #~ error T0001: Unclosed configuration block
  default = 1

variable "f" {
  default = 1
}
