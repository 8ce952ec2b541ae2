"""A model package as candidate: deployed, evaluated, deleted, approved or rejected."""
