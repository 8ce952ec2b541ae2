"""What every other room stands on: errors and hints, paths in the container, S3, JSON, the job's end."""
