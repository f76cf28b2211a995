"""The models of the course: the captioners, one in numpy and one by attention, and SqueezeNet with what it sees."""
