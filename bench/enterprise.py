"""Round trips and capacity units of each operation of the enterprise contract, counted on moto with the samples of the tests."""

import json
from typing import Any, Final

from bench import trips

ELSEWHERE: Final = frozenset({"auth", "system"})
"""Areas that are left out: signing in is in `bench.trips`, documents and probes read no table."""


def rows() -> list[dict[str, Any]]:
    """Return one row for each operation, in the form of `bench.trips`, on tables that are there."""
    from infra.routes import table
    from tests.samples.stage import Stage

    stage = Stage()
    stage.world.ada.at("enterprise")("organizations", "GET", "/organizations")  # the rate window has begun
    routes = [one for one in table() if one.contract == "enterprise" and one.area not in ELSEWHERE]
    return [_row(stage, route) for route in sorted(routes, key=lambda one: (one.area, one.operation.id))]


def _row(stage: Any, route: Any) -> dict[str, Any]:
    from tests.samples import ask, key_of, sample_of

    sample = sample_of(route, stage)
    with trips.costing() as cost:
        answer = ask(sample, route, sample.caller or stage.world.ada)
    if answer.status != (sample.status or route.operation.status):
        raise RuntimeError(f"{route.operation.id} answered {answer.status}: {answer.text[:300]}")
    most, why = trips.budget(*key_of(route), trips.usual(route.operation.id, route.method))
    refused = f"refused here by {sample.status}: nothing runs builds" if sample.status else ""
    return trips.row_of(route.operation.id, cost) | {"budget": most, "why": refused or why}


if __name__ == "__main__":
    print(json.dumps(trips.on_moto(rows), indent=1))
