"""Quality gates: what must be measured of a task before it can be completed."""
