"""Processing jobs of the local AWS: started as processes or containers, logged and stopped."""
