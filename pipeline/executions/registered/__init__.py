"""The models that evaluations have registered: their history, and a person's decision on them."""
