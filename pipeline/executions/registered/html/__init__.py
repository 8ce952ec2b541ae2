"""history.html: the group's versions as one page that needs nothing besides itself."""
