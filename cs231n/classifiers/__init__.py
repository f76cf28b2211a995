"""The models of the course: the captioner in numpy, and SqueezeNet."""
