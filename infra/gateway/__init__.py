"""The gateway between sandboxes and the platform on AWS, a program of its own."""
