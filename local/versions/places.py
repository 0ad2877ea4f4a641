"""The environments on this laptop: what a deploy hook is asked, done with processes. What they have survives a restart of the host."""

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from local.repositories import is_within
from local.versions.processes import Version
from local.versions.routing import Routing

_NAME = re.compile(r"[0-9A-Za-z-]{1,64}")


class Refused(Exception):
    """What is asked cannot be done; `status` is that of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Place:
    """One environment of one project. Its file says what must run; a request for a version that does not run starts it."""

    folder: Path
    fence: int = 0
    releases: dict[str, dict[str, Any]] = field(default_factory=dict)
    routing: Routing = field(default_factory=Routing)
    running: dict[str, Version] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)

    @classmethod
    def load(cls, folder: Path) -> "Place":
        place = cls(folder)
        if (folder / "state.json").exists():
            state = json.loads((folder / "state.json").read_text())
            place.fence, place.releases = state["fence"], state["releases"]
            place.routing.set_weights(state["weights"])
        return place

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        actions = {
            "deploy": self._deploy,
            "set_weights": self._set_weights,
            "health": self._health,
            "figures": self._figures,
            "remove": self._remove,
        }
        if asked.get("action") not in actions:
            raise Refused(400, "There is no such action")
        with self.lock:
            if "fence" in asked:
                if asked["fence"] < self.fence:
                    raise Refused(409, "The fence is lower than one that was seen")
                self.fence = asked["fence"]
            return actions[asked["action"]](asked)

    def version(self, name: str) -> Version:
        """Return a version, which is started if it does not run."""
        release = self.releases.get(name)
        if release is None:
            raise Refused(404, "There is no such version")
        found = self.running.get(name)
        if found is None or not (found.preparing or found.alive or found.problem):
            found = Version(self.folder / name, name, release["repository_url"], release["git_commit_hash"], release["command"])
            self.running[name] = found
        return found

    def end(self) -> None:
        """End all processes; what must run stays written."""
        for version in self.running.values():
            version.end(remove=False)
        self.running.clear()

    def _deploy(self, asked: dict[str, Any]) -> dict[str, Any]:
        release = asked["release"]
        name = release["deployment_id"]
        if not _NAME.fullmatch(name) or not isinstance(asked.get("command"), list):
            raise Refused(400, "A release needs a name and a command")
        if is_within(
            release.get("repository_url") or "", self.folder.parents[2]
        ):  # the data folder: folders of projects, of environments
            raise Refused(422, "The repository is in the platform's own folder, which holds what others build")
        self.releases[name] = release | {"command": asked["command"]}
        self._write()
        version = self.version(name)
        if version.problem:
            raise Refused(422, version.problem)
        serving = max(self.routing.weights, key=lambda each: self.routing.weights[each], default=None)
        return {"ready": not version.preparing and version.is_healthy(), "version": name, "serving": serving}

    def _set_weights(self, asked: dict[str, Any]) -> dict[str, Any]:
        weights = asked["weights"]
        unknown = set(weights) - set(self.releases)
        if unknown or sum(weights.values()) not in (0, 100):
            raise Refused(400, "The weights are not of known versions, or not 100 in all")
        self.routing.set_weights(weights)
        self._write()
        return {"weights": weights}

    def _health(self, asked: dict[str, Any]) -> dict[str, Any]:
        version = self.version(asked["version"])
        return {"healthy": not version.preparing and version.is_healthy()}

    def _figures(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self.routing.figures(asked["version"], asked["seconds"])

    def _remove(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["version"]
        if name in self.routing.weights:
            raise Refused(400, "The version has traffic")
        if name in self.running:
            self.running.pop(name).end(remove=True)
        elif name in self.releases:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.releases.pop(name, None)
        self.routing.forget(name)
        self._write()
        return {}

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"fence": self.fence, "releases": self.releases, "weights": self.routing.weights}
        new = self.folder / "state.new"
        new.write_text(json.dumps(state))
        new.replace(self.folder / "state.json")


class Places:
    """All environments over one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[tuple[str, str], Place] = {}
        self._lock = Lock()

    def of(self, project: str, environment: str) -> Place:
        if not _NAME.fullmatch(project) or not _NAME.fullmatch(environment):
            raise Refused(404, "There is no such environment")
        with self._lock:
            key = (project, environment)
            if key not in self._places:
                self._places[key] = Place.load(self._folder / project / environment)
            return self._places[key]

    def end(self) -> None:
        for place in self._places.values():
            place.end()
