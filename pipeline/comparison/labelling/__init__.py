"""People's labels on the user's machine: whom to ask, and how far they have come."""
