"""The queue `cascade`: what is left to do for one workspace, as its worker puts it back for itself."""

from dataclasses import asdict, dataclass
from typing import Any

from shared.core import queues


@dataclass(frozen=True)
class Task:
    """`step` is members, projects or purge; `after` the key of the last row that it was through with."""

    workspace: str
    step: str = "members"
    after: dict[str, Any] | None = None


def enqueue(task: Task) -> None:
    """Raises botocore's ClientError or BotoCoreError where the queue does not take it."""
    queues.send("cascade_queue", asdict(task))
