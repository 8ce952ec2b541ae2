"""compare.html: the comparison as one page that needs nothing besides itself."""
