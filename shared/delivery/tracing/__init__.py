"""The trace chain from requirements to deployments and back, and what it proves."""
