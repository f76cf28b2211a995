"""Grading a class: what was handed in, run in a process apart, judged in another, and written down for the teacher."""
