"""What the solutions cost, beside what they could cost at best and what a plain solution costs."""
