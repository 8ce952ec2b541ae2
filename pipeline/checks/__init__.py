"""What is wrong with a configuration, found before AWS refuses it or a job fails over it."""
