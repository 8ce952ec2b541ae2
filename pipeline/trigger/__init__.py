"""EventBridge rules that start the pipeline by itself, with their queue of failed events."""
