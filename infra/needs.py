"""What each function may use, how much memory it has and how long it may run.

Plain data: `infra.function` makes a role, an environment and a log group of it. Every folder of `functions/` has one entry here.
"""

from dataclasses import dataclass
from typing import Literal

Access = Literal["none", "read", "write"]


@dataclass(frozen=True)
class Needs:
    """The defaults are those of a REST area: it reads and writes entities, sessions and rate limits, and checks tokens."""

    core: Access = "write"
    ephemeral: Access = "write"
    telemetry: Access = "none"
    files: Access | Literal["clear"] = "none"  # clear: list, read and delete objects
    signs: bool = True  # checks or issues tokens: the signing secret
    signs_for_clients: bool = False  # issues tokens of OAuth clients: the KMS key
    sends: tuple[str, ...] = ()  # queues
    machine: tuple[Literal["start", "stop", "answer"], ...] = ()  # the AgentRun state machine
    # of CodeBuild. watch: reads their logs and stops them; run: also starts them and reads results
    builds: Literal["none", "watch", "run"] = "none"
    sandboxes: bool = False  # the SandboxLifecycle state machine: starts and stops sandboxes
    operations: tuple[Literal["start", "see"], ...] = ()  # the BuildAndDeploy state machine
    figures: bool = False  # reads CloudWatch's figures of the platform
    probes: bool = False  # reads the attributes of every queue and of the bucket, for the health check
    posts: bool = False  # posts to WebSocket connections
    mails: bool = False  # sends e-mail
    oauth: bool = False  # the client ids and secrets of sign-in providers
    github_app: bool = False  # the keys of our app at GitHub
    models: Literal["none", "see", "call"] = "none"  # see: whether a provider has credentials; call: use them, and Bedrock
    embeds: bool = False  # turns texts into vectors: asks the service for it that is chosen, if one is
    secrets: Literal["none", "seal", "unseal", "both"] = "none"  # of tenants: encrypts them, decrypts them
    bills: bool = False  # writes and charges invoices: the seller's name and address, the payment gateway's keys
    starts_deployments: bool = False  # the Deployment state machine
    deploys: bool = False  # asks the targets of deployments: takes roles that customers have given us
    memory: int = 1024  # MB. 1,769 MB is one whole core: a cold start's imports gain from it, a warm request does not
    timeout: int = 28  # seconds; API Gateway stops waiting after 29


AREAS = {
    "agents": Needs(sends=("ws-live",)),  # heartbeats, to those who listen
    "audit": Needs(files="write", sends=("exports",)),
    "auth": Needs(sends=("emails",), oauth=True, signs_for_clients=True, memory=1769),  # argon2: 23 ms of a whole core per login
    "billing": Needs(files="write", bills=True),
    "boards": Needs(),
    "cards": Needs(files="write", embeds=True),  # whether a new ticket is like another one
    "collaborations": Needs(),
    "comments": Needs(files="write"),
    "delivery": Needs(builds="watch", deploys=True),  # a rollback by a person is done while they wait
    "documents": Needs(files="write"),
    "explorations": Needs(files="write", models="call"),
    # both: it connects repositories, and asks GitHub with their tokens while somebody waits
    "github": Needs(files="write", sends=("github-events",), secrets="both", github_app=True),
    # what was stopped is begun again: by a run, as in `runs`
    "guardian": Needs(sends=("agent-runs", "ws-live"), machine=("stop", "answer"), models="see"),
    "insights": Needs(core="read"),
    # a search compares ten thousand vectors, and is told to those who listen
    "memory": Needs(sends=("ws-live",), embeds=True, memory=1769),
    "messaging": Needs(telemetry="read", sends=("sandbox-messages",)),  # what was measured of agents
    "notifications": Needs(),
    "organizations": Needs(),
    "planning": Needs(),
    "projects": Needs(),
    "runs": Needs(  # see: a run with a provider that has no credentials is refused when it is requested
        telemetry="read", files="read", sends=("agent-runs", "ws-live"), machine=("stop", "answer"), models="see"
    ),
    # what a sandbox asks a model, and a host: its secrets go with it, its log says it
    "sandboxes": Needs(telemetry="write", files="write", sends=("model-calls", "ws-live"), secrets="unseal"),
    "system": Needs(core="read", telemetry="read", probes=True, figures=True),
    "tasks": Needs(),
    "usage": Needs(files="write", sends=("exports",)),
    "validation": Needs(),
    "webhooks": Needs(telemetry="write", sends=("webhook-delivery",), secrets="seal"),
    "workspaces": Needs(sends=("emails",), secrets="seal"),  # keys of model providers, and secrets of sandboxes
}

WORKERS = {
    "ws": Needs(
        telemetry="write", sends=("ws-push", "ws-live", "sandbox-messages"), posts=True
    ),  # measurements and lines of sandboxes
    "ws_pusher": Needs(core="read", telemetry="read", signs=False, sends=("ws-push",), posts=True, timeout=30),
    "run_worker": Needs(core="none", ephemeral="none", signs=False, machine=("start",), timeout=30),
    "run_steps": Needs(  # answer: a budget that was raised while the run began to wait for it
        telemetry="write", files="write", sends=("ws-live",), machine=("answer",), models="call", memory=1769, timeout=900
    ),
    "deploy_steps": Needs(  # signs: the secrets of deploy hooks are derived from it. A hook answers within 8 s, and a step asks it thrice
        ephemeral="none", deploys=True, memory=512, timeout=60
    ),
    # signs: where the artifacts of a build lie is derived from it
    "delivery_steps": Needs(builds="run", ephemeral="none", timeout=60),
    "sandbox_steps": Needs(telemetry="read", memory=512, timeout=60),
    "stream_projector": Needs(  # telemetry: deliveries to webhooks; the end of a run is sent with the number of its last line
        telemetry="write",
        sends=(
            "ws-live",
            "emails",
            "agent-runs",
            "cascade",
            "webhook-delivery",
            "github-events",
            "model-calls",
            "sandbox-messages",
        ),
        machine=("stop", "answer"),
        operations=("start",),
        files="write",
        posts=True,
        starts_deployments=True,
        sandboxes=True,
        timeout=60,
    ),
    # stop: DescribeExecution comes with it; builds: what runs of an operation that was given up is stopped. A job stops itself after 40 s
    "scheduled": Needs(
        signs=False,
        telemetry="read",
        files="write",  # the conversations of runs, for the guardian; the deliverables of collaborations
        embeds=True,
        sends=("ws-live", "agent-runs", "cascade", "webhook-delivery", "github-events", "model-calls", "sandbox-messages"),
        machine=("stop", "answer"),
        operations=("start", "see"),
        builds="watch",
        posts=True,
        bills=True,
        starts_deployments=True,
        timeout=60,
    ),
    "export_worker": Needs(  # one message exports for as long as the function may run; the memory is for its share of a core
        signs=False, ephemeral="none", files="write", sends=("exports",), memory=1769, timeout=300
    ),
    "cascade_worker": Needs(
        telemetry="write",  # erases measurements of sandboxes
        files="clear",
        signs=False,
        sends=("cascade", "ws-live"),
        machine=("stop",),
        posts=True,
        timeout=60,
    ),
    "github_worker": Needs(files="write", signs=False, sends=("github-events",), secrets="unseal", github_app=True, timeout=60),
    "model_worker": Needs(  # 120 s for a call
        signs=False, files="write", models="call", secrets="unseal", posts=True, timeout=180
    ),
    "message_worker": Needs(  # files: the deliverables of collaborations
        signs=False, files="write", sends=("sandbox-messages",), posts=True, sandboxes=True, memory=512, timeout=60
    ),
    "mailer": Needs(core="none", signs=False, mails=True, memory=512, timeout=30),
    "webhook_worker": Needs(
        telemetry="write", signs=False, sends=("webhook-delivery", "webhook-retry"), secrets="unseal", memory=512, timeout=60
    ),
}

FUNCTIONS = AREAS | WORKERS
BEHIND_GATEWAYS = (*AREAS, "ws")  # API Gateway calls these: a request begins here
TRACED = 0.002  # the share of these requests that is traced (infra/watch.py)
