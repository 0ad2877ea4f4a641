"""Deployments of builds: what moves the traffic of an environment from one version to the next, step by step."""
