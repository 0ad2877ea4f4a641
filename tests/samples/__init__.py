"""A valid request of every operation that is served: a module for each area, `(contract, operation id)` for each request.

A route that has none fails the tests that look for it.
"""

from importlib import import_module

from infra.routes import Route, table
from tests.samples.stage import Sample, Samples, Stage, ask

__all__ = ["ALONE", "SAMPLES", "Sample", "Samples", "Stage", "ask", "key_of", "name_of", "sample_of"]

AREAS = {area: import_module(f"tests.samples.{area}") for area in sorted({route.area for route in table()})}
SAMPLES: Samples = {key: sample for area in AREAS.values() for key, sample in getattr(area, "SAMPLES", {}).items()}
"""Requests that anybody may make who has the permission."""
ALONE: Samples = {key: sample for area in AREAS.values() for key, sample in getattr(area, "ALONE", {}).items()}
"""Requests that anybody may make, or that only one person can make."""


def key_of(route: Route) -> tuple[str, str]:
    """What names an operation: its contract and its id there."""
    return route.contract, route.operation.id


def name_of(route: Route) -> str:
    """The same in one word, for the names of tests."""
    return " ".join(key_of(route))


def sample_of(route: Route, stage: Stage) -> Sample:
    """A valid request of an operation, with what it needs made on the stage."""
    return (ALONE | SAMPLES)[key_of(route)](stage)
