"""The whole platform on this machine: engine, deployment and front door, started and stopped together."""

import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.names import CONTRACT
from local import LocalError, synth
from local.build_host import BuildHost
from local.deploy import deploy
from local.engine import Engine, free_port, private
from local.front_door import FrontDoor
from local.models import EMBEDDED, Model
from local.routes import Routes, endpoints
from local.sandbox_host import SandboxHost, start_again
from local.version_host import VersionHost

Log = Callable[[str], None]

_ANSWERS_WITHIN = 60.0
_HEALTHY_WITHIN = 6.0


def _quiet(_line: str) -> None:
    return None


class LocalStack:
    """A running platform over one data folder.

    `url` is the front door; `.url(contract)` a contract's base; `.ws(contract, path)` a socket's address; `.boto(service)` a client of
    the engine; `.data` the folder; `.model` what the agents of new workspaces think with.
    """

    def __init__(
        self,
        data: Path,
        port: int,
        *,
        engine_port: int | None = None,
        extra: dict[str, str] | None = None,
        model: Model = EMBEDDED,
    ) -> None:
        self.data = data
        self.model = model
        self.root = f"http://localhost:{port}"
        self.port = port
        self.outputs: dict[str, dict[str, str]] = {}
        self.build_host = BuildHost(data / "builds", data / "builds.log")
        self.versions = VersionHost(data / "versions", data / "versions.log")
        self.sandbox_host = SandboxHost(data / "sandboxes", data / "sandboxes.log")
        hosts = self.build_host.environment | self.versions.environment | self.sandbox_host.environment
        given = {"CADRE_PUBLIC_URL": self.root, **hosts, **model.environment, **(extra or {})}
        self.engine = Engine(data, engine_port, given)
        self.front_door: FrontDoor | None = None

    def start(self, assembly: Path | None = None, log: Log = _quiet) -> None:
        """Start everything: synthesis (unless `assembly` is given), engine, deployment, front door."""
        started = time.monotonic()
        if assembly is None:
            assembly = synth.assembly(settings=_without_model(os.environ) | self.model.settings)
            log(f"synthesized  {_since(started)}")
        started = time.monotonic()
        private(self.data)
        self.build_host.start()
        self.versions.start()
        self.sandbox_host.start()
        self.engine.start()
        log(f"engine       {_since(started)}")
        started = time.monotonic()
        self.outputs = deploy(self.engine, assembly, log)
        self.engine.save()
        log(f"deployed     {_since(started)}")
        self.front_door = FrontDoor(self.engine, Routes(self.outputs), self.port, self.model)
        self.front_door.start()
        self._start_sandboxes(log)

    def _start_sandboxes(self, log: Log) -> None:
        """Start the sandboxes again that ran when the stack ended."""
        machine = next(values["SandboxLifecycleArn"] for values in self.outputs.values() if "SandboxLifecycleArn" in values)
        if count := start_again(self.boto("stepfunctions"), machine, self.sandbox_host.ended_with_the_stack()):
            log(f"sandboxes    {count} start again")

    def wait_until_healthy(self, within: float = _HEALTHY_WITHIN) -> str:
        """Wait for the health endpoint; returns its last state as text.

        Raises `LocalError` if nothing answers. A platform that is unhealthy still runs: the text says what is missing.
        """
        url = str(endpoints(self.root)["health"])
        started, last = time.monotonic(), ""
        while time.monotonic() < started + (within if last else _ANSWERS_WITHIN):
            if not self.engine.alive():
                raise LocalError(f"the engine ended; the end of {self.engine.log}:\n{self.engine.tail()}")
            try:
                with urllib.request.urlopen(url, timeout=30):  # noqa: S310  # our own front door
                    return "healthy"
            except urllib.error.HTTPError as error:
                with error:
                    last = f"NOT HEALTHY: {url} answers {error.code} {error.read()[:400].decode(errors='replace')}"
                if error.code == 404:
                    return last
            except OSError:
                pass
            time.sleep(0.25)
        if not last:
            raise LocalError(f"the platform does not answer at {url}; the end of {self.engine.log}:\n{self.engine.tail()}")
        return last

    def stop(self) -> None:
        """Stop everything and save the state, in some seconds at most."""
        if self.front_door:
            self.front_door.stop()
            self.front_door = None
        self.engine.stop()
        self.sandbox_host.stop()
        self.build_host.stop()
        self.versions.stop()

    def url(self, contract: str) -> str:
        """A contract's base URL, e.g. `http://localhost:8000/omoios/api/v1`."""
        return self.root + CONTRACT[contract].mount

    def ws(self, contract: str, path: str) -> str:
        """A socket's address from its documented path, e.g. `ws("omoios", "/api/v1/ws/events?token=...")`."""
        return f"{self.root.replace('http', 'ws', 1)}/{contract}{path}"

    def boto(self, service: str) -> Any:
        """A boto3 client of the engine."""
        return self.engine.client(service)


def new(data: Path, port: int | None = None, **options: Any) -> LocalStack:
    """A stack that is not started; with a free port if `port` is None."""
    return LocalStack(data, port or free_port(), **options)


def _without_model(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the settings that `Model` has: which model works was found out already."""
    return {name: value for name, value in environment.items() if name not in ("CADRE_DEFAULT_PROVIDER", "CADRE_DEFAULT_MODEL")}


def _since(started: float) -> str:
    return f"{time.monotonic() - started:.1f} s"
