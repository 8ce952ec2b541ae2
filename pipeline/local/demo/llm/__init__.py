"""A small language model on this machine, for `make demo-llm`."""
