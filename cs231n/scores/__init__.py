"""How good is what was trained? Scores of captions and of digits, on data not trained on."""
