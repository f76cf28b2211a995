"""What this machine has for the course, what is wrong with it, and the cure: `python -m cs231n.doctor`.

It looks into what may be broken, so it needs nothing but the standard library, and what may stop or crash (torch,
numpy, Jupyter) it lets another process import. Written for Pythons back to 3.8, to tell them that they are too old.
"""
