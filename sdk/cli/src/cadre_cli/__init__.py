"""`cadre`: the platform on the command line, on top of its Python client."""
