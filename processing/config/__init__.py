"""evaluation.yaml: one module per section of the file, and reading it."""
