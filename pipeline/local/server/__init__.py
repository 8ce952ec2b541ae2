"""The HTTP server of the local AWS: moto's, with checked requests and AWS's own errors."""
