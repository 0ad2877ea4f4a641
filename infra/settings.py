"""The settings of a deployment, read once and validated.

Each field is a context value of the CDK app (`cdk.json`, or `-c mailSender=...`) and an environment variable
(`CADRE_MAIL_SENDER`). The variable overrides the context, the context overrides the default. `docs/deploying.md` lists them.
"""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, get_type_hints

from infra.names import CONTRACT, PROJECT, stack_name
from shared.core.emails import is_email
from shared.core.registries import country
from shared.core.settings import origin_of

STAGES = ("local", "dev", "prod")
BUNDLES = ("venv", "lambda")
ARCHITECTURES = ("arm64", "x86_64")
# What people write as a log level -> Python's word for it
LOG_LEVELS = {
    "TRACE": "DEBUG",  # Python's logging has nothing below DEBUG
    "DEBUG": "DEBUG",
    "INFO": "INFO",
    "WARN": "WARNING",
    "WARNING": "WARNING",
    "ERROR": "ERROR",
    "FATAL": "CRITICAL",
    "CRITICAL": "CRITICAL",
}
# The retentions that CloudWatch accepts, up to a year
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365)


THIS_RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
# Those for which requirements/functions.txt has a wheel of everything (tried for arm64 on 2026-11-28)
RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")
# The ways of CodeDeploy to move calls to a new version: a share first and the rest later, or a share every so often
SHIFTS = (
    *(f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)),
    "Linear10PercentEvery1Minute",
    *(f"Linear10PercentEvery{minutes}Minutes" for minutes in (2, 3, 10)),
)
_HOST = r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"  # RFC 1123, in lower case
# Those of `shared.agents.providers.registry` that need nothing on the machine; a test compares them
PROVIDERS = ("embedded", "anthropic", "bedrock", "openai", "google", "qwen", "glm")
LOCAL_SENDER = "cadre@localhost.localdomain"  # no domain that anybody could verify in SES
NO_URL = "https://public-url-is-not-set.invalid"


class SettingsError(ValueError):
    """A setting is wrong; the message names it and its possible values."""


@dataclass(frozen=True)
class Settings:
    """Raises SettingsError for values that cannot be deployed."""

    stage: str = "local"
    deployment: str = PROJECT
    bundle: str = ""  # venv: without dependencies, which functions import from the venv; lambda: with manylinux wheels
    architecture: str = "arm64"
    # the edge
    domains: Mapping[str, str] = field(default_factory=dict)  # contract -> host name, e.g. agentworks -> api.agentworks.dev
    certificate_arn: str = ""  # in us-east-1, for every name in `domains`
    hosted_zone_id: str = ""
    hosted_zone_name: str = ""
    web_acl_arn: str = ""
    public_url: str = ""
    app_url: str = ""  # of the web application: mails link to its pages
    socket_endpoint: str = ""  # only for a local engine: `{api}` is replaced with the API's id
    allowed_origins: tuple[str, ...] = ("*",)
    issuer: str = ""
    # sign-in providers
    oauth_secret_arn: str = ""
    payment_secret_arn: str = ""
    github_app_secret_arn: str = ""
    github_api: str = ""  # of an Enterprise Server; unset: github.com's
    # mail
    mail_sender: str = LOCAL_SENDER
    # models
    provider_secret_arn: str = ""
    bedrock_model_arns: tuple[str, ...] = ()
    default_provider: str = ""
    default_model: str = ""
    embeddings: str = ""  # a service and its model, which turn texts into vectors; unset: the embedded one
    # sandboxes
    sandboxes: str = ""  # agentcore: on Bedrock AgentCore Runtime; unset: nothing runs them
    sandbox_zones: tuple[str, ...] = ()  # the two availability zones of their network; unset: the first two of the region
    # money
    price_multiplier: str = "5"
    price_step_micros: str = "250000"
    seller_name: str = "Cadre"  # on invoices, with the next three; the country decides the tax
    seller_address: str = ""  # lines separated by line ends
    seller_country: str = "IE"
    seller_tax_id: str = ""
    # operation
    log_retention_days: int = 30
    log_level: str = "INFO"  # one of LOG_LEVELS in any case; held as Python's word
    revision: str = ""  # a new value replaces the running processes of all functions
    alarm_email: str = ""
    keep_data: bool | None = None  # retain and protect resources that hold data; unset: only in prod
    gateway_log_role: bool = True  # the account's role for API access logs: one per account and region
    runtime: str = ""  # unset: the Python that runs the app; its bytecode is in the package
    gradual_shift: str = ""  # how CodeDeploy moves calls to new versions; unset: at once
    snap_start: tuple[str, ...] = ()  # functions behind the gateways that start from a snapshot, or `all`
    kept_start: bool = True  # functions take texts and expressions that were compiled when the package was made
    reserved_concurrency: Mapping[str, int] = field(default_factory=dict)  # function -> calls at the same time
    table_max_reads: int = 0  # request units a second of each table and index; 0: no ceiling
    table_max_writes: int = 0
    client_key_number: int = (
        1  # the next number makes a new key for the tokens of OAuth clients; the one before stays for a deployment
    )
    edge_key_number: int = 1  # the next number gives the edge a new key; the one before stays valid
    throttle_rate: int = 500
    throttle_burst: int = 1000

    def __post_init__(self) -> None:
        _one_of("stage", self.stage, STAGES)
        if not self.bundle:
            object.__setattr__(self, "bundle", "venv" if self.local else "lambda")
        _one_of("bundle", self.bundle, BUNDLES)
        _one_of("architecture", self.architecture, ARCHITECTURES)
        if not self.runtime:
            object.__setattr__(self, "runtime", THIS_RUNTIME)
        if not self.local:
            _one_of("runtime", self.runtime, RUNTIMES)
        if self.gradual_shift:
            _one_of("gradualShift", self.gradual_shift, SHIFTS)
        if self.snap_start and self.runtime == "python3.11":
            raise SettingsError("snapStart: AWS has it for Python 3.12 and newer")
        if min(self.table_max_reads, self.table_max_writes) < 0:
            raise SettingsError("tableMaxReads and tableMaxWrites: at least 1, or 0 for no ceiling")
        _one_of("logRetentionDays", self.log_retention_days, RETENTIONS)
        _one_of("logLevel", self.log_level.upper(), tuple(LOG_LEVELS))
        object.__setattr__(self, "log_level", LOG_LEVELS[self.log_level.upper()])
        _matches("revision", self.revision, r"[A-Za-z0-9_.:-]{0,64}")
        _matches("deployment", self.deployment, r"[a-z][a-z0-9-]{0,19}")
        for name, address in (("mailSender", self.mail_sender), ("alarmEmail", self.alarm_email)):
            if address and not is_email(address):
                raise SettingsError(f"{name}: {address!r} is no e-mail address")
        _matches("priceMultiplier", self.price_multiplier, r"\d+(\.\d+)?")
        _matches("priceStepMicros", self.price_step_micros, r"[1-9]\d*")
        _is_country("sellerCountry", self.seller_country)
        if self.throttle_rate < 1 or self.throttle_burst < self.throttle_rate:
            raise SettingsError("throttleBurst: at least throttleRate, and both at least 1")
        for name in ("client_key_number", "edge_key_number"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{camel(name)}: at least 1")
        for name in ("provider_secret_arn", "oauth_secret_arn", "payment_secret_arn", "github_app_secret_arn"):
            # the six characters at the end are a part of it: rights are given by it
            _matches(camel(name), getattr(self, name), r"(arn:aws[\w-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[!-~]+-\w{6})?")
        self._check_models()
        self._check_edge()
        self._check_sandboxes()

    def _check_models(self) -> None:
        """What a model needs to be called on AWS: its runs would all be refused. Raises SettingsError."""
        for arn in self.bedrock_model_arns:
            _matches("bedrockModelArns", arn, r"arn:aws[\w-]*:bedrock:[!-~]{1,2000}")
        profiles = [arn for arn in self.bedrock_model_arns if "inference-profile/" in arn]
        if profiles and len(profiles) == len(self.bedrock_model_arns):
            raise SettingsError(
                "bedrockModelArns: an inference profile needs its foundation models' ARNs too, of all its regions"
            )
        _matches("embeddings", self.embeddings, r"(embedded|(bedrock|openai):[\w.:/-]{1,200}(@\d{2,4})?)?")
        provider = self.default_provider
        if self.local or not (provider or self.default_model):
            return
        _one_of("defaultProvider", provider, PROVIDERS)
        if not self.default_model and provider != "embedded":
            raise SettingsError(f"defaultModel: name the model of {provider}")
        if provider == "bedrock" and not self.bedrock_model_arns:
            raise SettingsError("defaultProvider: bedrock needs its models in bedrockModelArns")
        if provider not in ("bedrock", "embedded") and not self.provider_secret_arn:
            raise SettingsError(f"defaultProvider: {provider} needs its key in the secret of providerSecretArn")

    def _check_sandboxes(self) -> None:
        """What sandboxes need on AWS. Raises SettingsError."""
        if not self.sandboxes and not self.sandbox_zones:
            return
        _one_of("sandboxes", self.sandboxes, ("agentcore",))
        if self.local:
            raise SettingsError("sandboxes: `make run` starts the host that runs them on a laptop")
        if self.url == NO_URL:
            raise SettingsError("publicUrl: sandboxes reach the platform by it, and nothing else")
        if self.sandbox_zones and len(self.sandbox_zones) != 2:
            raise SettingsError("sandboxZones: two availability zones")

    def _check_edge(self) -> None:
        """What the edge and the addresses behind it need. Raises SettingsError."""
        for name, url in (("publicUrl", self.public_url), ("appUrl", self.app_url), ("githubApi", self.github_api)):
            _matches(name, url, r"(https?://[^\s/?#]+[^\s?#]*)?" if self.local else r"(https://[^\s/?#]+[^\s?#]*)?")
        if unknown := sorted(set(self.domains) - set(CONTRACT)):
            raise SettingsError(f"domains: {unknown} are not contracts; they are {sorted(CONTRACT)}")
        if self.domains and not self.certificate_arn.startswith("arn:aws:acm:us-east-1:"):
            raise SettingsError("certificateArn: domains need a certificate in us-east-1, where CloudFront reads it")
        for contract, host in self.domains.items():
            _matches(f"domains: {contract}", host, _HOST)
        if len(set(self.domains.values())) < len(self.domains):
            raise SettingsError("domains: a host name is of one contract")
        if self.hosted_zone_id and not self.zone_domains:
            raise SettingsError(f"hostedZoneName: none of `domains` is in {self.hosted_zone_name!r}")
        for origin in self.allowed_origins:
            if origin != "*" and (origin_of(origin) != origin or not re.fullmatch(r"https?://[a-z0-9.:\[\]-]+", origin)):
                raise SettingsError(f"allowedOrigins: {origin!r} is not like https://app.example.com")
        if "*" in self.allowed_origins and len(self.allowed_origins) > 1:
            raise SettingsError("allowedOrigins: `*` is every origin, and stands alone")
        if bool(self.hosted_zone_id) != bool(self.hosted_zone_name):
            raise SettingsError("hostedZoneId and hostedZoneName go together")
        _matches("webAclArn", self.web_acl_arn, r"(arn:aws[\w-]*:wafv2:us-east-1:\d*:global/webacl/.+)?")

    @property
    def local(self) -> bool:
        return self.stage == "local"

    @property
    def versions(self) -> bool:
        """Whether functions have versions, and callers call an alias."""
        return bool(self.gradual_shift or self.snap_start)

    @property
    def zone_domains(self) -> dict[str, str]:
        """Those of `domains` that are in the hosted zone: Route 53 takes no others."""
        zone = self.hosted_zone_name.rstrip(".").lower()
        return {contract: host for contract, host in self.domains.items() if zone and f".{host}".endswith(f".{zone}")}

    @property
    def first_model(self) -> tuple[str, str]:
        """The provider and model of new workspaces; locally, where `local.models` found them, also of the catalogue. Where no other one
        can be called, the embedded model."""
        others = not self.local and (self.provider_secret_arn or self.bedrock_model_arns)
        if self.default_provider == "embedded" or not (self.default_provider or others):
            return "embedded", "cadre-embedded-1"
        return self.default_provider, self.default_model

    @property
    def protected(self) -> bool:
        return self.stage == "prod" if self.keep_data is None else self.keep_data

    @property
    def url(self) -> str:
        """The URL for clients: `publicUrl`, else the first of `domains`, else the local one.

        CloudFront's own domain is known only after the first deployment: until it is the `publicUrl`, links do not work.
        """
        if self.public_url:
            return self.public_url.rstrip("/")
        if self.domains:
            return f"https://{next(iter(self.domains.values()))}"
        return "http://localhost:8000" if self.local else NO_URL

    def url_of(self, contract: str) -> str:
        """The base URL of one contract: on its own domain, else on the shared host."""
        if contract in self.domains:
            return f"https://{self.domains[contract]}{CONTRACT[contract].base}"
        return f"{self.url}{CONTRACT[contract].mount}"

    def stack_name(self, part: str) -> str:
        return stack_name(self.stage, part, self.deployment)


def load(context: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Settings from the app's context and the environment; an empty variable is none. Raises SettingsError with the setting's name."""
    values: dict[str, Any] = {}
    hints = get_type_hints(Settings)
    if environment.get("CADRE_STAGE") == "local":
        context = {}  # `make run`: what `cdk.json` holds is of the deployments
    _check_names(context, environment)
    for each in fields(Settings):
        raw = environment.get(f"CADRE_{each.name.upper()}") or context.get(camel(each.name))
        if raw not in (None, ""):
            values[each.name] = _convert(camel(each.name), raw, str(hints[each.name]))
    settings = Settings(**values)
    if settings.bundle == "venv" and not settings.local:
        raise SettingsError("bundle: `venv` ships no dependencies; only the local stage can use it")
    if settings.mail_sender.lower() == LOCAL_SENDER and not settings.local:
        raise SettingsError(f"mailSender: SES sends nothing from {LOCAL_SENDER}; name an address that you verify there")
    if settings.runtime != THIS_RUNTIME:
        raise SettingsError(
            f"runtime: the app must be run by {settings.runtime}, which compiles the package, and not by {THIS_RUNTIME}"
        )
    if settings.stage == "prod" and settings.url == NO_URL:
        raise SettingsError("publicUrl: production needs its address, by `domains` or by `publicUrl`")
    return settings


def _check_names(context: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Raise SettingsError for a name that looks like a setting's and is none: it would silently set nothing.

    The CDK's own context has other characters in its names (`aws:cdk:...`, `@aws-cdk/...`); variables are also those of the laptop.
    """
    names = {camel(each.name): f"CADRE_{each.name.upper()}" for each in fields(Settings)}
    meant = {_squeezed(name): name for name in names}
    for said in context:
        if said not in names and re.fullmatch(r"\w+", said):
            near = meant.get(_squeezed(said)) or "".join(get_close_matches(said, names, 1))
            raise SettingsError(f"{said} is no setting" + (f"; did you mean {near}?" if near else ""))
    for variable in environment:
        name = meant.get(_squeezed(variable.removeprefix("CADRE_"))) if variable.startswith("CADRE_") else None
        if name and variable != names[name]:
            raise SettingsError(f"{variable} is no variable of a setting; did you mean {names[name]}?")


def _squeezed(name: str) -> str:
    return name.replace("_", "").lower()


def camel(name: str) -> str:
    """`mail_sender` -> `mailSender`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _convert(name: str, raw: Any, hint: str) -> Any:
    """The value in the field's type: variables and `-c` values are text, values of cdk.json have JSON types."""
    try:
        if "bool" in hint:
            return {"true": True, "1": True, "false": False, "0": False}[str(raw).lower()]
        if "Mapping[str, int]" in hint:
            values = json.loads(raw) if isinstance(raw, str) else raw
            return {str(key): _whole(value) for key, value in values.items()}
        if "int" in hint:
            return _whole(raw)
        if "tuple" in hint:
            return tuple(part.strip() for part in (raw.split(",") if isinstance(raw, str) else raw) if part.strip())
        if "Mapping" in hint:
            values = json.loads(raw) if isinstance(raw, str) else raw
            return {str(key): str(value) for key, value in values.items()}
        if isinstance(raw, dict | list):
            raise TypeError
        return str(raw)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise SettingsError(f"{name}: {raw!r} cannot be read") from error


def _whole(raw: Any) -> int:
    """A whole number. Raises ValueError for a fraction and for a truth value, which `int` takes too."""
    if isinstance(raw, bool) or (isinstance(raw, float) and not raw.is_integer()):
        raise ValueError
    return int(raw)


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise SettingsError(f"{name}: {value!r} is not one of {', '.join(map(str, allowed))}")


def _is_country(name: str, value: str) -> None:
    try:
        country(value)
    except ValueError as error:
        raise SettingsError(f"{name}: {value!r}: {error}") from None


def _matches(name: str, value: str, pattern: str) -> None:
    if not re.fullmatch(pattern, value):
        raise SettingsError(f"{name}: {value!r} does not match {pattern}")
