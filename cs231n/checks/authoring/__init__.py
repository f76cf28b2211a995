"""What an author of checks works with: shared by all exercises, private to none.

inputs    small arrays for cases: random numbers, sequences, captions
answers   read what an answer gave as numbers, or raise the Wrong that says what is amiss with its form
variants  record known mistakes, as answers of their own or as a right one with switches turned
layers    right pieces in numpy and torch, of which textbook answers and their mistakes are made
networks  answers that build a torch network: known weights in the place of random ones
scores    losses of a discriminator's scores
"""
