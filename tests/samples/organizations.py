"""Requests of the area `organizations`."""

from tests.samples.stage import Sample, Samples, nothing

SAMPLES: Samples = {
    ("enterprise", "organizations.list"): nothing,
    ("enterprise", "organizations.create"): lambda s: Sample(
        {}, {"name": "TechStart Inc", "slug": s.slug(), "type": "startup", "plan": "professional", "max_users": 50}
    ),
}
