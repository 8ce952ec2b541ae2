"""What every room stands on: errors and hints, container paths, S3, JSON, the end of a job."""
