"""The route table: every operation of every contract, found by walking the areas. Nothing else enumerates routes.

An area is a folder `functions/<area>` whose handler names its contracts; each contract module there registers its
operations once. The gateway's methods, the OpenAPI documents and the route tests are all made from `table()`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol

from infra.names import CONTRACT

FUNCTIONS = Path(__file__).parent.parent / "functions"
_VARIABLE = re.compile(r"\{([^}]+)\}")


class Operation(Protocol):
    """What the table reads of an operation; `shared.edge.contracts` has the real class."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def id(self) -> str: ...


@dataclass(frozen=True)
class Route:
    contract: str
    area: str
    method: str
    path: str  # as documented, below the contract's base
    operation: Operation

    @property
    def key(self) -> tuple[str, str, str]:
        """What two routes may not share: the gateway sees positions, not the names of variables."""
        return self.contract, self.method, _VARIABLE.sub("{}", self.path)


class RouteError(ValueError):
    """A route table that cannot be deployed; the message names the routes."""


@dataclass(frozen=True)
class Code:
    """What there is to deploy."""

    areas: tuple[str, ...]
    workers: frozenset[str]
    routes: tuple[Route, ...]
    jobs: frozenset[str]  # of the scheduled function


@cache
def found() -> Code:
    """What `functions/` holds: a folder without a handler is not there yet, and everything else deploys without it."""
    names = sorted(path.parent.name for path in FUNCTIONS.glob("*/handler.py"))
    modules = {name: import_module(f"functions.{name}.handler") for name in names}
    areas = {name: module for name, module in modules.items() if hasattr(module.handler, "contracts")}
    jobs: frozenset[str] = frozenset(getattr(modules.get("scheduled"), "JOBS", ()))
    return Code(tuple(areas), frozenset(names) - set(areas), build(areas.values()), jobs)


def table() -> tuple[Route, ...]:
    """Every route, by contract, path and method. Raises RouteError for duplicates and unknown contracts."""
    return found().routes


def build(handlers: Iterable[ModuleType]) -> tuple[Route, ...]:
    routes = [
        Route(contract, module.handler.area, operation.method.upper(), operation.path, operation)
        for module in handlers
        for contract, name in module.handler.contracts.items()
        for operation in import_module(name).routes.operations
    ]
    _check(routes)
    return tuple(sorted(routes, key=lambda route: (route.contract, route.path, route.method)))


def _check(routes: Sequence[Route]) -> None:
    seen: dict[tuple[str, ...], Route] = {}
    for route in routes:
        if route.contract not in CONTRACT:
            raise RouteError(f"{route.area}: {route.contract!r} is not a contract")
        if not route.path.startswith("/"):
            raise RouteError(f"{route.contract} {route.operation.id}: {route.path!r} does not start with a slash")
        for key in (route.key, (route.contract, route.operation.id)):
            if (other := seen.setdefault(key, route)) is not route:
                raise RouteError(
                    f"{route.contract}: {route.operation.id} in {route.area} and {other.operation.id} in {other.area} "
                    f"are both {' '.join(key[1:])}"
                )


def gateway_paths(routes: Iterable[Route]) -> dict[str, str]:
    """Documented path -> path with one variable name per position, as API Gateway wants it (the first name wins)."""
    names: dict[str, str] = {}
    result = {}
    for path in sorted({route.path for route in routes}):
        position, parts = "", []
        for part in path.strip("/").split("/"):
            if variable := _VARIABLE.fullmatch(part):
                part = "{" + names.setdefault(position, variable[1]) + "}"  # noqa: PLW2901
            parts.append(part)
            position += "/" + _VARIABLE.sub("{}", part)
        result[path] = "/" + "/".join(parts)
    return result
