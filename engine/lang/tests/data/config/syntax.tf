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

variable "g" {
  default = 1 default = 2 #~ error T0001: An argument definition must end with a newline
}

variable "h" {
  default #~ error T0001: To set an argument, use the equals sign
}

variable "i" {
  "default" = 1 #~ error T0001: Argument names must not be quoted
}

variable "j" = { #~ error T0001: must not be used when defining a block
}

variable "k" #~ error T0001: starting on the same line as the block header
{ #~ error T0001: An argument or block definition is required here
}

variable "l" { default = 1, type = number } #~ error T0001: Single-line block syntax can include only one argument

variable "m" {
  default = #~ error T0001: Expected the start of an expression
}

variable "n" {
  default = [1 2] #~ error T0001: Expected a comma to mark the beginning of the next item
}

variable "o" {
  default = { a = 1 b = 2 } #~ error T0001: Expected a newline or comma to mark the beginning of the next attribute
}

variable "p" {
  default = { a } #~ error T0001: Expected an equals sign ("=") to mark the beginning of the attribute value
}

variable "q" {
  default = f(1 2) #~ error T0001: A comma is required to separate each function argument
}

variable "r" {
  default = "\d" #~ error T0001: is not a valid escape sequence selector
}

variable "s" {
  default = 1
  default = 2 #~ error T0001: The argument "default" was already set
}

variable "t" {
  default = a ? b #~ error T0001: requires a false expression
}

variable "u-${x}" { #~ error T0001: Template sequences are not allowed in this string
}

variable "v" {} variable "w" {} #~ error T0001: A block definition must end with a newline

variable "x" {
  default = a. #~ error T0001: An attribute name is required after a dot
}

variable "y" {
  default = "${a b}" #~ error T0001: Extra characters after interpolation expression
}

variable "z" {
  default = ((((1 + 2) #~ error T0001: closing parenthesis
}
