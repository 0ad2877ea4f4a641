"""What each function may touch, how big it is and how long it may run. Plain data: `infra.functions` turns it into one role,
one environment and one log group per function.

A REST area that is not listed has the defaults: it reads and writes entities, keeps sessions and rate limits, checks tokens.
"""

from dataclasses import dataclass
from typing import Literal

Access = Literal["none", "read", "write"]


@dataclass(frozen=True)
class Needs:
    core: Access = "write"
    ephemeral: Access = "write"
    telemetry: Access = "none"
    files: Access | Literal["clear"] = "none"  # clear: also find what is there, to remove it
    signs: bool = True  # checks or issues tokens: the signing secret
    sends: tuple[str, ...] = ()  # queues
    machine: tuple[Literal["start", "stop", "answer"], ...] = ()  # the AgentRun machine
    probes: bool = False  # asks every queue and the bucket whether they are there
    posts: bool = False  # posts to socket connections
    mails: bool = False
    loops: bool = False  # puts work back into its own queue: Lambda would take it for a loop and end it after 16 rounds
    oauth: bool = False  # lets people sign in elsewhere: the providers' client ids and secrets
    models: Literal["none", "see", "call"] = "none"  # see: the secret with the credentials; call: use them, and Bedrock
    bills: bool = False  # writes invoices: who the seller is
    memory: int = 1024  # MB. 1,769 MB is one whole core: a cold start's imports gain from it, the warm path does not
    timeout: int = 28  # seconds; API Gateway gives up after 29


AREAS = {
    "agent_runtime": Needs(telemetry="write"),
    "agents": Needs(sends=("ws-live",)),
    "audit": Needs(files="write"),
    "auth": Needs(sends=("emails",), oauth=True, memory=1769),  # argon2: 23 ms of a whole core per login
    "billing": Needs(files="write", models="see", bills=True),  # see: the payment gateway's keys are in the same secret
    "boards": Needs(sends=("agent-runs",)),
    "cards": Needs(files="write", sends=("agent-runs",), machine=("answer",)),
    "comments": Needs(files="write"),
    "delivery": Needs(telemetry="write"),
    "documents": Needs(files="write"),
    "explorations": Needs(files="write", sends=("agent-runs",), models="call"),
    "insights": Needs(telemetry="read"),
    "messaging": Needs(sends=("ws-live",)),
    "organizations": Needs(sends=("emails",)),
    "projects": Needs(sends=("agent-runs",)),
    "runs": Needs(  # see: whether a provider has credentials is said when the run is asked for
        telemetry="read", files="read", sends=("agent-runs", "ws-live"), machine=("stop", "answer"), models="see"
    ),
    "sandboxes": Needs(telemetry="write", sends=("ws-live",)),
    "system": Needs(core="read", telemetry="read", probes=True),
    "tasks": Needs(sends=("agent-runs",)),
    "usage": Needs(files="write", sends=("exports",), machine=("answer",)),
    "workflows": Needs(telemetry="read", sends=("agent-runs",), machine=("stop",)),
    "workspaces": Needs(sends=("emails",)),
}

WORKERS = {
    "ws": Needs(telemetry="read", sends=("ws-push",), posts=True),
    "ws_pusher": Needs(core="read", telemetry="read", signs=False, sends=("ws-push",), posts=True, loops=True, timeout=30),
    "run_worker": Needs(signs=False, machine=("start",), timeout=30),
    "run_steps": Needs(  # answer: a budget that was raised while the run began to wait for it
        telemetry="write",
        files="write",
        sends=("ws-live", "emails"),
        machine=("answer",),
        posts=True,
        models="call",
        memory=1769,
        timeout=900,
    ),
    "stream_projector": Needs(
        sends=("ws-live", "emails", "agent-runs", "cascade"), machine=("answer",), files="write", posts=True, timeout=60
    ),
    "scheduled": Needs(  # stop: whether an execution is still there is asked by the same right; a job stops itself after 40 s
        signs=False,
        telemetry="read",
        sends=("ws-live", "cascade"),
        machine=("stop", "answer"),
        posts=True,
        models="see",
        bills=True,
        timeout=60,
    ),
    "export_worker": Needs(  # a call goes on with an export as long as it may; memory is for the core that comes with it
        signs=False, ephemeral="none", files="write", sends=("exports",), memory=1769, timeout=300
    ),
    "cascade_worker": Needs(
        telemetry="read",
        files="clear",
        signs=False,
        sends=("cascade", "ws-live"),
        machine=("stop",),
        posts=True,
        loops=True,
        timeout=60,
    ),
    "mailer": Needs(core="none", signs=False, mails=True, memory=512, timeout=30),
}


def needs(name: str) -> Needs:
    return WORKERS.get(name) or AREAS.get(name) or Needs()
