"""What calls to the endpoint and to judges share: rate limit, paid store, spend, progress."""
