"""An evaluation in this process: the jobs' own code, without a pipeline, an image or a role."""
