"""Starting executions, following them, showing what came of them, cleaning up after them."""
