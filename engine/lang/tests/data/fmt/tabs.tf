a=1	#x
	b {
		c	=	1
	}
