"""Reading `buildspec.yml`, version 0.2: phases, variables, reports and artifacts, as CodeBuild documents them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from local.building import BuildFailed

PHASES: Final = ("install", "pre_build", "build", "post_build")
MAX_BYTES: Final = 100_000
_ELSEWHERE: Final = ("parameter-store", "secrets-manager")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMATS: Final = ("JUNITXML", "COBERTURAXML")


@dataclass(frozen=True)
class Phase:
    """`last` are the commands of `finally`, which run whatever became of the others."""

    commands: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    goes_on: bool = False
    """`on-failure: CONTINUE`."""


@dataclass(frozen=True)
class Files:
    """Files below a folder, by patterns."""

    patterns: tuple[str, ...]
    base: str = "."
    format: str = ""


@dataclass(frozen=True)
class Buildspec:
    phases: Mapping[str, Phase]
    variables: Mapping[str, str] = field(default_factory=dict)
    reports: tuple[Files, ...] = ()
    artifacts: Files | None = None


def read(text: str) -> Buildspec:
    """Return a buildspec. Raises BuildFailed, which names what is wrong."""
    if len(text.encode()) > MAX_BYTES:
        raise BuildFailed(f"buildspec.yml is larger than {MAX_BYTES:,} bytes")
    if "&" in text and "*" in text and _has_alias(text):
        raise BuildFailed("buildspec.yml has aliases, which are not supported")
    try:
        spec = yaml.safe_load(text)
    except (
        yaml.YAMLError,
        RecursionError,
        ValueError,
        LookupError,
        AttributeError,
    ) as error:  # the last three: `!!int x`, `!!bool x`
        mark = getattr(error, "problem_mark", None)
        raise BuildFailed("buildspec.yml is no YAML" + (f" (line {mark.line + 1})" if mark else "")) from None
    spec = _map(spec, "buildspec.yml")
    if str(spec.get("version")) != "0.2":
        raise BuildFailed("buildspec.yml needs `version: 0.2`")
    env = _map(spec.get("env") or {}, "env")
    for name in _ELSEWHERE:
        if env.get(name):
            raise BuildFailed(f"env.{name} of buildspec.yml is only on AWS; this build runs on a laptop")
    phases = _map(spec.get("phases") or {}, "phases")
    if unknown := set(phases) - set(PHASES):
        raise BuildFailed(f"buildspec.yml has an unknown phase: {', '.join(sorted(map(str, unknown)))}")
    artifacts = spec.get("artifacts")
    return Buildspec(
        {name: _phase(_map(phase or {}, f"phases.{name}"), name) for name, phase in phases.items()},
        {_name(name): _text(value) for name, value in _map(env.get("variables") or {}, "env.variables").items()},
        tuple(
            _files(_map(group, f"reports.{name}"), f"reports.{name}", is_report=True)
            for name, group in _map(spec.get("reports") or {}, "reports").items()
        ),
        _files(_map(artifacts, "artifacts"), "artifacts") if artifacts else None,
    )


def _has_alias(text: str) -> bool:
    """Tell whether a text uses an alias: nested ones become huge when they are read."""
    try:
        return any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text))
    except yaml.YAMLError:
        return False


def _phase(phase: Mapping[str, Any], name: str) -> Phase:
    where = f"phases.{name}"
    on_failure = phase.get("on-failure", "ABORT")
    return Phase(
        _texts(phase.get("commands"), f"{where}.commands"),
        _texts(phase.get("finally"), f"{where}.finally"),
        on_failure == "CONTINUE",
    )


def _files(group: Mapping[str, Any], where: str, *, is_report: bool = False) -> Files:
    patterns, base = _texts(group.get("files"), f"{where}.files"), _plain(str(group.get("base-directory") or "."))
    kind = str(group.get("file-format") or "JUNITXML").upper() if is_report else ""
    if is_report and kind not in _FORMATS:
        raise BuildFailed(f"{where}: the format {kind[:40]} is not read here; {' and '.join(_FORMATS)} are")
    if not patterns:
        raise BuildFailed(f"{where} names no files")
    for path in (base, *patterns):
        if path.startswith("/") or ".." in path.split("/"):
            raise BuildFailed(f"{where} leaves the source folder: {path[:100]}")
    return Files(patterns, base, kind)


def _map(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BuildFailed(f"{where} is no map" if where != "buildspec.yml" else "buildspec.yml is empty or no map")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    listed = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str | int | float) for one in listed):
        raise BuildFailed(f"{where} is no list of texts")
    return tuple(_plain(str(one)) for one in listed)


def _name(value: Any) -> str:
    if not _VARIABLE.fullmatch(str(value)):
        raise BuildFailed(f"env.variables of buildspec.yml has no name of a variable: {str(value)[:40]!r}")
    return str(value)


def _text(value: Any) -> str:
    return {True: "true", False: "false", None: ""}[value] if isinstance(value, bool | None) else _plain(str(value))


def _plain(text: str) -> str:
    """Return a text that a process can be given: without a zero byte and without halves of characters."""
    if "\0" in text or text != text.encode(errors="replace").decode():
        raise BuildFailed("buildspec.yml has characters that are no text")
    return text
