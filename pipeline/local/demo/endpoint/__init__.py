"""The demo endpoint: speaks InvokeEndpoint, answers from examples' texts by retrieval."""
