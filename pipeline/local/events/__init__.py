"""EventBridge in the local AWS: patterns, schedules, and delivery to pipelines and queues."""
