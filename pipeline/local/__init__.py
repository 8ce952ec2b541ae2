"""A local AWS on loopback, on which the same commands run as on AWS, and demo models for it."""
