"""The pipeline that a configuration file describes: its parameters, steps, names and uploads."""
