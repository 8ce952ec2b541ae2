"""The model endpoint: which model it serves, payload formats, and the answers."""
