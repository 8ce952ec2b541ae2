"""Several instances of one job: each hands in its part, and the first merges them."""
