"""A platform with everything in it, whatever has been written so far: all areas, all workers, the largest contract at full size."""

from dataclasses import dataclass
from pathlib import Path

from infra.names import CONTRACTS
from infra.needs import AREAS, WORKERS
from infra.routes import Code, Route
from infra.schedules import SCHEDULES

PACKAGE = Path(__file__)  # rules look at templates: any file is package enough
OMOIOS_OPERATIONS = 151  # the largest contract: what a stack and a REST API must hold


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    id: str


def code() -> Code:
    areas = tuple(sorted(AREAS))
    routes = []
    for contract in CONTRACTS:
        for number in range(OMOIOS_OPERATIONS if contract.name == "omoios" else 40):
            area = areas[number % len(areas)]
            method = ("GET", "POST", "PUT", "PATCH", "DELETE")[number % 5]
            path = f"/{area}/{{id}}/part{number}/{{other_id}}"
            routes.append(Route(contract.name, area, method, path, Operation(method, path, f"{area}.{number}")))
    return Code(areas, frozenset(WORKERS), tuple(routes), frozenset(SCHEDULES))
