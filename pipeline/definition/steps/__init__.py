"""One module per step of the pipeline, and the settings that processing steps share."""
