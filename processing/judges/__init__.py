"""Judge models: one client per provider, structured replies, and the judge's health."""
