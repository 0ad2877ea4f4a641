"""The environment a function runs in, read once and validated.

Every variable the platform reads is a field here: `CADRE_CORE_TABLE` fills `core_table`. `infra` sets what a function
needs and nothing else, so a field that is not set stays empty and its first use says which variable is missing.
"""

import os
from dataclasses import dataclass, fields
from functools import cache
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Settings:
    # where state lives
    core_table: str = ""
    telemetry_table: str = ""
    ephemeral_table: str = ""
    files_bucket: str = ""
    # queues, as URLs
    agent_runs_queue: str = ""
    ws_live_queue: str = ""  # FIFO
    ws_push_queue: str = ""
    emails_queue: str = ""
    exports_queue: str = ""
    cascade_queue: str = ""
    # state machines, as ARNs
    agent_run_machine: str = ""
    # sockets: the management endpoint, https://{id}.execute-api.../{stage}
    socket_endpoint: str = ""
    # identity: the name of the Secrets Manager secret that holds the signing key
    signing_secret: str = ""
    issuer: str = "https://auth.cadre.dev"
    # where clients reach us, for links in answers and mails
    public_url: str = "http://localhost:8000"
    # where the web application is, whose pages mails link to: the same address, unless it says otherwise
    app_url: str = ""
    # where agentworks is served, if on a name of its own: providers send browsers back there
    agentworks_url: str = ""
    # sign-in elsewhere: a JSON secret of client ids and secrets
    oauth_secret: str = ""
    # what the edge sends with every request, and nobody else knows: empty where there is no edge
    edge_key: str = ""
    # pages on other hosts that may use the session cookie: origins, separated by commas
    allowed_origins: str = ""
    mail_sender: str = "cadre@localhost.localdomain"
    # models: a JSON secret of provider credentials; the provider and model that workspaces start with
    provider_secret: str = ""
    default_provider: str = ""
    default_model: str = ""
    # money
    price_multiplier: str = "5"
    price_step_micros: str = "250000"
    # who writes the invoices: shown on them, and the country decides the tax
    seller_name: str = "Cadre"
    seller_address: str = ""
    seller_country: str = "IE"
    seller_tax_id: str = ""
    # the platform itself
    version: str = "1.0.0"
    stage: str = "local"  # local | dev | prod
    log_level: str = "INFO"

    def need(self, field: str) -> str:
        """The value of `field`, or a clear error that names the variable to set."""
        value: str = getattr(self, field)
        if not value:
            raise LookupError(f"CADRE_{field.upper()} is not set: this function was deployed without it")
        return value

    @property
    def local(self) -> bool:
        return self.stage == "local"

    @property
    def origins(self) -> frozenset[str]:
        """Whose pages may use the session cookie: ours, and those named, as `https://host[:port]`."""
        return frozenset(map(origin_of, (self.public_url, self.app_url, *self.allowed_origins.split(",")))) - {""}


def origin_of(address: str) -> str:
    """`https://host[:port]` of an address; an empty string for what is none."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:  # half of an IPv6 address
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


@cache
def settings() -> Settings:
    return Settings(
        **{
            field.name: os.environ[f"CADRE_{field.name.upper()}"]
            for field in fields(Settings)
            if f"CADRE_{field.name.upper()}" in os.environ
        }
    )
