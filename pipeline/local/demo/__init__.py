"""A demo endpoint and judge in place of models, and the shows of `make demo` on them."""
