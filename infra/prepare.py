"""What the templates are made from, found in a process of its own: importing every area takes as long as importing the CDK, and
neither needs the other.

    prepared = start(settings)      # the child imports the areas, writes the OpenAPI documents and the package
    from aws_cdk import ...         # meanwhile
    code, package = prepared()
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.routes import Code, Route
from infra.settings import Settings

ROOT = Path(__file__).parent.parent


class PrepareError(RuntimeError):
    """The code cannot be imported or packed; the message is what the child process said."""


@dataclass(frozen=True)
class Named:
    """What is left of an operation outside the process that imported it."""

    method: str
    path: str
    id: str


def start(settings: Settings) -> Callable[[], tuple[Code, Path]]:
    """Begin; the answer waits for the code and its package. Raises PrepareError there."""
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "infra.prepare", settings.bundle, settings.architecture],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def prepared() -> tuple[Code, Path]:
        output, errors = child.communicate()
        if child.returncode:
            raise PrepareError(errors.strip())
        found = json.loads(output.splitlines()[-1])
        routes = tuple(
            Route(contract, area, method, path, Named(method, path, name))
            for contract, area, method, path, name in found["routes"]
        )
        return Code(tuple(found["areas"]), frozenset(found["workers"]), routes, frozenset(found["jobs"])), Path(found["package"])

    return prepared


def main(mode: str, architecture: str) -> None:
    from infra.bundling import bundle
    from infra.routes import found

    code = found()
    package = bundle(mode, architecture)
    sys.stdout.write(
        "\n"
        + json.dumps(
            {
                "areas": code.areas,
                "workers": sorted(code.workers),
                "jobs": sorted(code.jobs),
                "package": str(package),
                "routes": [[route.contract, route.area, route.method, route.path, route.operation.id] for route in code.routes],
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
