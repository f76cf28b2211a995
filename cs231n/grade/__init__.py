"""Grade a class's submissions: python -m cs231n.grade."""
