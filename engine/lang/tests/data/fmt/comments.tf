# top
  # indented
/* block
   comment */
a = 1 # one
bb = 2 /* two */ # three
/* four */

// five
locals { # six
  a = 1
  # seven
    # eight
  b = [ # nine
  1, # ten
   # eleven
  ] # twelve
  c = { // thirteen
  } // fourteen
} # fifteen
    # sixteen
x {
  /* multi
     line */ y = 1
     z = 1 /* multi
line */
}
