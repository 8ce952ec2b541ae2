"""The template of the page that lists a folder's evaluations."""
