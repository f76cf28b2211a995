"""The teacher's desk: runs what a class handed in, judges it, and says what the class stumbles over."""
