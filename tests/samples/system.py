"""Requests of the area `system`."""

from tests.samples.stage import Samples, nothing

SAMPLES: Samples = {("enterprise", "metrics.get"): nothing}
ALONE: Samples = {
    ("enterprise", "health.get"): nothing,
    ("aintandem", "system.health"): nothing,
    ("aintandem", "system.info"): nothing,
}
"""Only the owner's own person can make these, or anybody."""
