"""`cadre`: the platform on the command line, on top of its Python client."""

__version__ = "1.0.0"
