"""The names that the deployment, the local cloud and the tests share. Plain data: importing this costs nothing."""

from dataclasses import dataclass

PROJECT = "cadre"
LOCAL_ACCOUNT = "000000000000"  # the embedded engine's, which is nobody's on AWS
LOCAL_REGION = "us-east-1"
STAGE_NAME = "v1"  # of every REST API and of the socket API: the documented bases end in it
TABLES = ("core", "telemetry", "ephemeral")
GSIS = ("GSI1", "GSI2", "GSI3", "GSI4")


@dataclass(frozen=True)
class Contract:
    """One published API: where its document says it lives, and where the shared edge mounts it."""

    name: str
    base: str  # what the document puts before every path
    sockets: tuple[str, ...] = ()  # first segments of the documented WebSocket paths, after the mount

    @property
    def mount(self) -> str:
        """The base below the shared edge: /agentworks/v1. A domain of the contract's own serves `base` itself."""
        return f"/{self.name}{self.base}"

    @property
    def title(self) -> str:
        return self.name.capitalize()


CONTRACTS = (
    Contract("agentworks", "/v1", ("/api/",)),
    Contract("enterprise", "/v1"),
    Contract("aintandem", "/api/v1", ("/ws/",)),
    Contract("orchestrator", "/api/v1", ("/v1/ws/",)),
    Contract("omoios", "/api/v1", ("/api/v1/ws/",)),
)
CONTRACT = {contract.name: contract for contract in CONTRACTS}


def stack_name(stage: str, part: str, deployment: str = PROJECT) -> str:
    """`cadre-dev-data`. `deployment` tells several installations in one account and region apart."""
    return f"{deployment}-{stage}-{part}"


def api_part(contract: str) -> str:
    """The part of the stack that holds one contract's REST API."""
    return f"api-{contract}"


# Parts in the order in which they deploy; a deployment leaves out what it does not have (local: account, edge).
PARTS = ("account", "data", "socket", "functions", *(api_part(c.name) for c in CONTRACTS), "watch", "edge")
