"""The route table: every operation of every contract, read from the areas.

An area is a folder `functions/<area>` whose handler names its contracts; each contract module there registers its operations once. The
gateway's methods, the OpenAPI documents and the route tests are all made from `table()`.
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
from infra.needs import AREAS, WORKERS
from infra.schedules import SCHEDULES

FOLDER = Path(__file__).parent.parent / "functions"
_VARIABLE = re.compile(r"\{([^}]+)\}")


class Operation(Protocol):
    """The attributes of an operation that the table reads; the real class is in `shared.edge.http.operation`."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def id(self) -> str: ...


@dataclass(frozen=True)
class Route:
    """An operation of a contract, and the area that serves it."""

    contract: str
    area: str
    method: str
    path: str  # as in the document, without the contract's base
    operation: Operation

    @property
    def key(self) -> tuple[str, str, str]:
        """What must be unique: API Gateway compares the positions of path variables and ignores their names."""
        return self.contract, self.method, _VARIABLE.sub("{}", self.path)


class RouteError(ValueError):
    """Routes, functions or jobs that cannot be deployed; the message names them."""


@dataclass(frozen=True)
class Code:
    """The functions, routes and jobs of this checkout."""

    areas: tuple[str, ...]
    workers: frozenset[str]
    routes: tuple[Route, ...]
    jobs: frozenset[str]  # of the function `scheduled`

    def __post_init__(self) -> None:
        _check_names("infra/needs.py, AREAS", AREAS, self.areas)
        _check_names("infra/needs.py, WORKERS", WORKERS, self.workers)
        _check_names("infra/schedules.py", SCHEDULES, self.jobs)


@cache
def discover() -> Code:
    """Read `functions/`: a function is a folder with a `handler.py`. Raises RouteError."""
    names = sorted(path.parent.name for path in FOLDER.glob("*/handler.py"))
    modules = {name: import_module(f"functions.{name}.handler") for name in names}
    areas = {name: module for name, module in modules.items() if hasattr(module.handler, "contracts")}
    return Code(tuple(areas), frozenset(names) - set(areas), build(areas.values()), frozenset(modules["scheduled"].JOBS))


def _check_names(where: str, listed: Iterable[str], exist: Iterable[str]) -> None:
    if unknown := set(listed) - set(exist):
        raise RouteError(f"{where} names what does not exist: {', '.join(sorted(unknown))}")
    if missing := set(exist) - set(listed):
        raise RouteError(f"{where} lacks {', '.join(sorted(missing))}")


def table() -> tuple[Route, ...]:
    """Every route, by contract, path and method. Raises RouteError for duplicates and unknown contracts."""
    return discover().routes


def build(handlers: Iterable[ModuleType]) -> tuple[Route, ...]:
    """The routes of the areas with these handlers, sorted. Raises RouteError."""
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
    """Documented path -> API Gateway's path, which has one variable name for each position: the first one."""
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
