"""The host of versions: what a deployment on the laptop has as its target. A process for each version, behind a router that shares traffic
out by weights and measures; it speaks the protocol of deploy hooks."""
