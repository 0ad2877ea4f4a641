"""The environment variables of a function, read once.

Every variable of the platform is a field here: `CADRE_CORE_TABLE` sets `core_table`. `infra` sets only the variables that a
function needs. Other fields have their defaults, mostly empty; `need` raises an error that names the missing variable.
"""

import os
from dataclasses import dataclass, fields
from functools import cache
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Settings:
    """The function's settings, from its environment."""

    # tables and bucket
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
    model_calls_queue: str = ""
    sandbox_messages_queue: str = ""
    webhook_delivery_queue: str = ""  # FIFO
    webhook_retry_queue: str = ""
    github_events_queue: str = ""  # FIFO
    # their dead-letter queues, whose letters a job counts: names, separated by commas
    dead_letter_queues: str = ""
    # state machines, as ARNs
    agent_run_machine: str = ""
    deployment_machine: str = ""
    # the local stack's host of version processes: its address and the secret that signs what is asked of it; empty: there is none
    local_versions: str = ""
    local_versions_secret: str = ""
    build_and_deploy_machine: str = ""
    sandbox_lifecycle_machine: str = ""
    # sandboxes on a laptop: the address of the host that runs them, and the key that it asks for
    sandbox_host: str = ""
    sandbox_host_key: str = ""
    # sandboxes on AWS: the ARN of the Bedrock AgentCore Runtime whose sessions they are; only where they are started
    sandbox_runtime: str = ""
    # builds on AWS: the name of the CodeBuild project; that of the bucket for artifacts, only where builds are started and collected
    build_project: str = ""
    build_artifacts: str = ""
    # builds on a laptop: the address of the host that runs them, and the key that it asks for
    build_host: str = ""
    build_host_key: str = ""
    # sockets: the management endpoint, https://{id}.execute-api.../{stage}
    socket_endpoint: str = ""
    # identity: the name of the Secrets Manager secret that holds the signing key
    signing_secret: str = ""
    # the ARN of the KMS key that signs the tokens of OAuth clients; only where they are issued
    client_token_key: str = ""
    issuer: str = "https://auth.cadre.dev"
    # the ARN of the KMS key that encrypts secrets of tenants
    secrets_key: str = ""
    # our public address, for links in responses and mails
    public_url: str = "http://localhost:8000"
    # the address of the web application, for links in mails; empty: the public address
    app_url: str = ""
    # the address of agentworks, if it has its own domain name (`agentworks_base`)
    agentworks_url: str = ""
    # federated sign-in: the name of a JSON secret with client ids and secrets
    oauth_secret: str = ""
    # repositories: the address of GitHub's API
    github_api: str = "https://api.github.com"
    # the name of a JSON secret with the keys of our app at GitHub; empty: repositories are connected by tokens only
    github_app_secret: str = ""
    # payments: the name of a JSON secret with the payment gateway's keys
    payment_secret: str = ""
    # the secrets that the edge may send with a request, separated by commas; empty if there is no edge
    edge_keys: str = ""
    # other origins whose pages may use the session cookie, separated by commas
    allowed_origins: str = ""
    mail_sender: str = "cadre@localhost.localdomain"
    # the configuration set of SES whose bounces and complaints come back to us; empty: none come
    mail_configuration_set: str = ""
    # models: the name of a JSON secret with provider credentials; default provider and model of new workspaces
    provider_secret: str = ""
    default_provider: str = ""
    default_model: str = ""
    # what turns texts into vectors: a service and its model, e.g. openai:text-embedding-3-small; empty: the embedded one
    embeddings: str = ""
    # prices
    price_multiplier: str = "5"
    price_step_micros: str = "250000"
    # the seller, shown on invoices; its country decides the tax
    seller_name: str = "Cadre"
    seller_address: str = ""
    seller_country: str = "IE"
    seller_tax_id: str = ""
    # the platform itself
    version: str = "1.0.0"
    stage: str = "local"  # local | dev | prod
    log_level: str = "INFO"

    def need(self, field: str) -> str:
        """Return the value of `field`; raise LookupError with the name of the variable if it is empty."""
        value: str = getattr(self, field)
        if not value:
            raise LookupError(f"CADRE_{field.upper()} is not set: this function was deployed without it")
        return value

    @property
    def local(self) -> bool:
        return self.stage == "local"

    @property
    def agentworks_base(self) -> str:
        """The base URL of agentworks: sign-in providers redirect browsers to it, and results of runs have links below it."""
        return self.agentworks_url or self.base_of("agentworks", "/v1")

    @property
    def socket_base(self) -> str:
        """The base URL of the sockets of all contracts."""
        return self.public_url.rstrip("/").replace("http", "ws", 1)

    def base_of(self, contract: str, base: str) -> str:
        """Return the base URL of a contract on the host of all contracts."""
        return f"{self.public_url.rstrip('/')}/{contract}{base}"

    @property
    def origins(self) -> frozenset[str]:
        """Return the origins (`https://host[:port]`) whose pages may use the session cookie: our own and the configured ones."""
        return frozenset(map(origin_of, (self.public_url, self.app_url, *self.allowed_origins.split(",")))) - {""}


def origin_of(address: str) -> str:
    """Return the origin `https://host[:port]` of a URL, or an empty string if it has none."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:  # for example an incomplete IPv6 address
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
