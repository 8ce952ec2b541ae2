"""Reports brought to this machine, and a page that lists those of a folder."""
