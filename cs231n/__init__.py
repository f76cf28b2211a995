"""CS231n Assignment 3, rebuilt: the package its six notebooks call into."""
