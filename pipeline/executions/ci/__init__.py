"""A verdict for whoever builds and tests: JUnit XML, a Markdown summary, JSON."""
