"""The sandbox agent: it connects to the platform, receives messages, thinks by the platform's models, uses tools and answers."""

VERSION = "1"
