"""Pictures of a pipeline definition: read from its JSON, never kept by hand."""
