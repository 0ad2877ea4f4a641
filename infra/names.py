"""The names that the deployment, the local cloud and the tests share. Plain data, without imports of ours."""

from dataclasses import dataclass

PROJECT = "cadre"
LOCAL_ACCOUNT = "000000000000"  # of the embedded engine: no account on AWS has this number
LOCAL_REGION = "us-east-1"
STAGE_NAME = "v1"  # of every REST API and of the socket API: the documented bases end in it
TABLES = ("core", "telemetry", "ephemeral")
DEPLOYMENT_ROLES = "cadre-deploy-"  # how the names of roles begin that customers let us act under
GSIS = ("GSI1", "GSI2", "GSI3", "GSI4")


@dataclass(frozen=True)
class Contract:
    """One published API, with its base path in the document and its path on the shared host."""

    name: str
    base: str  # before every path of the document
    sockets: tuple[str, ...] = ()  # first segments of the documented WebSocket paths, after the mount
    pages: tuple[str, ...] = ()  # documented beside the base: they lead to the same path below it
    beside: tuple[tuple[str, str], ...] = ()  # documented beside the base: the path below it that is meant
    retired: tuple[str, ...] = ()  # older bases: what is asked there is told where it is now

    @property
    def mount(self) -> str:
        """The base path on the host that all contracts share: `/agentworks/v1`. On a domain of its own the contract has `base` alone."""
        return f"/{self.name}{self.base}"

    @property
    def title(self) -> str:
        return self.name.capitalize()


CONTRACTS = (
    Contract("agentworks", "/v1", ("/api/",)),
    Contract("enterprise", "/v1", pages=("/docs", "/redoc", "/openapi.json", "/postman-collection.json"), retired=("/v0",)),
    Contract("aintandem", "/api/v1", ("/ws/",)),
    Contract("orchestrator", "/api/v1", ("/v1/ws/",)),
    Contract("omoios", "/api/v1", ("/api/v1/ws/",), beside=(("/api/validation", "/validation"),)),
)
WELL_KNOWN = ("/.well-known/jwks.json", "/.well-known/oauth-authorization-server")
"""Paths of enterprise that every host has at its root too, where clients of its authorization server look for them."""
CONTRACT = {contract.name: contract for contract in CONTRACTS}


def pascal_case(name: str) -> str:
    """`agent-runs` or `run_steps` as a part of a logical id: `AgentRuns`, `RunSteps`."""
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


def stack_name(stage: str, part: str, deployment: str = PROJECT) -> str:
    """`cadre-dev-data`. `deployment` is the prefix, which keeps several deployments in one account and region apart."""
    return f"{deployment}-{stage}-{part}"


def api_part(contract: str) -> str:
    """The part of the stack that holds one contract's REST API."""
    return f"api-{contract}"


# Parts in the order in which they are deployed. The local deployment has no account and no edge.
PARTS = ("account", "data", "socket", "functions", *(api_part(c.name) for c in CONTRACTS), "watch", "edge")
