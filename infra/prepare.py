"""Reads the code and builds the deployment package in a child process, while the parent imports the CDK: each takes some seconds.

wait = start_child(settings)    # the child imports the areas, and writes the OpenAPI documents and the package
from aws_cdk import ...         # at the same time
code, package = wait()
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
    """The code cannot be imported or packed; the message is the error output of the child process."""


@dataclass(frozen=True)
class OperationName:
    """What the parent needs of an operation; the operation itself exists only in the child."""

    method: str
    path: str
    id: str


def start_child(settings: Settings) -> Callable[[], tuple[Code, Path, Path | None]]:
    """Start the child process. Returns a function that waits for the code, the package's path and that of the sandbox agent's, if
    sandboxes run on AWS; or raises PrepareError."""
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "infra.prepare", settings.bundle, settings.architecture, settings.sandboxes],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def wait() -> tuple[Code, Path, Path | None]:
        output, errors = child.communicate()
        if child.returncode:
            raise PrepareError(errors.strip())
        report = json.loads(output.splitlines()[-1])
        routes = tuple(
            Route(contract, area, method, path, OperationName(method, path, name))
            for contract, area, method, path, name in report["routes"]
        )
        known = Code(tuple(report["areas"]), frozenset(report["workers"]), routes, frozenset(report["jobs"]))
        return known, Path(report["package"]), Path(report["agent"]) if report["agent"] else None

    return wait


def main(mode: str, architecture: str, sandboxes: str) -> None:
    """The child: prints the code's names and the paths of the packages as one line of JSON."""
    from infra.bundling import bundle
    from infra.bundling_agent import bundle_agent
    from infra.routes import discover

    code = discover()
    package = bundle(mode, architecture)
    agent = bundle_agent() if sandboxes else None
    sys.stdout.write(
        "\n"
        + json.dumps(
            {
                "areas": code.areas,
                "workers": sorted(code.workers),
                "jobs": sorted(code.jobs),
                "package": str(package),
                "agent": str(agent) if agent else None,
                "routes": [[route.contract, route.area, route.method, route.path, route.operation.id] for route in code.routes],
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
