"""The build runner of a laptop: a small host on loopback that the local stack starts (`local/building`)."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any
from urllib.parse import quote

from shared.core.errors import Upstream
from shared.core.outbound import request_json
from shared.core.situations import Situation
from shared.delivery.building.reports import read_coverage, read_tests
from shared.delivery.building.runner import BuildState, Results, Source, UnreadableResults

_WHO = "The build host"
_MAX_BYTES = 8_000_000  # the host sends 5 MB of reports at most, as JSON text


class LocalRunner:
    """Asks the host by HTTP; its handle is our id."""

    def __init__(self, address: str, key: str) -> None:
        self._address, self._key = address, key

    def start(self, build_id: str, source: Source) -> str:
        self._ask("PUT", build_id, body={"repository": source.repository, "branch": source.branch, "commit": source.commit})
        return build_id

    def state(self, handle: str) -> BuildState | None:
        answer = self._ask("GET", handle)
        names = {field.name for field in fields(BuildState)}
        return BuildState(**{name: value for name, value in answer.items() if name in names}) if answer else None

    def results(self, handle: str) -> Results:
        answer = self._ask("GET", handle, "/results") or {}
        if answer.get("unreadable"):
            raise UnreadableResults(answer["unreadable"])
        tests = read_tests(_texts(answer, "JUNITXML"))
        return Results(
            tests.passed if tests else None,
            tests.failed if tests else None,
            read_coverage(_texts(answer, "COBERTURAXML")),
            answer.get("scan_report"),
            answer.get("artifact_bytes"),
        )

    def log(self, handle: str) -> str:
        answer = self._ask("GET", handle, "/log")
        return str(answer["text"]) if answer else ""

    def cancel(self, handle: str) -> None:
        self._ask("DELETE", handle)

    def _ask(self, method: str, handle: str, part: str = "", body: dict[str, Any] | None = None) -> Any:
        """Return what the host answers; None if it does not know the build. Raises Upstream."""
        url, headers = f"{self._address}/builds/{quote(handle, safe='')}{part}", {"Authorization": f"Bearer {self._key}"}
        status, answer = request_json(_WHO, method, url, headers=headers, json=body, max_bytes=_MAX_BYTES)
        if status == 404:
            return None
        if status >= 400:
            raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{_WHO} answered {status}")
        return answer


def _texts(answer: dict[str, Any], file_format: str) -> Iterator[str]:
    return (report["text"] for report in answer.get("reports", ()) if report["format"] == file_format)
