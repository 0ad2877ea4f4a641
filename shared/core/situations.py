"""The kinds of errors, as a list of names. Each contract maps every one of them to its own status, code and message."""

from enum import StrEnum, auto


class Situation(StrEnum):
    """One kind of error that a caller may get. A conflict is named after its cause."""

    # the request itself
    INVALID = auto()
    EMAIL_FORMAT = auto()
    PASSWORD_WEAK = auto()
    MALFORMED = auto()
    """A body that cannot be read at all: broken JSON, wrong encoding."""
    TOO_LARGE = auto()
    UNSUPPORTED_MEDIA = auto()
    ADDRESS_TOO_LONG = auto()
    """Answered in front of the functions: by the edge, or by the local front door."""
    METHOD_NOT_ALLOWED = auto()
    NOT_FOUND = auto()
    """There is no such thing, or the caller may not know of it."""

    # authentication
    CREDENTIALS_WRONG = auto()
    TOKEN_INVALID = auto()
    """No access token, API key or refresh token, or one that is not valid."""
    TOKEN_EXPIRED = auto()
    ONE_TIME_TOKEN_INVALID = auto()
    """A mailed token, or the state of a sign-in at a provider, that is unknown or was used before."""
    ONE_TIME_TOKEN_EXPIRED = auto()
    SIGN_IN_DECLINED = auto()
    """The sign-in provider, or the person there, declined."""
    SIGN_IN_UNVERIFIED = auto()
    """The response of the sign-in provider cannot be verified."""
    SIGN_IN_EMAIL_UNCONFIRMED = auto()
    """The sign-in provider does not confirm the person's e-mail address."""

    # permissions
    FORBIDDEN = auto()
    WORKSPACE_ACCESS_DENIED = auto()
    AGENT_NOT_ALLOWED = auto()

    # something exists already
    SLUG_TAKEN = auto()
    EMAIL_TAKEN = auto()
    ALREADY_MEMBER = auto()
    DEPENDENCY_EXISTS = auto()

    # the current state does not allow it
    VERSION_CONFLICT = auto()
    """Another writer changed it since it was read."""
    IDEMPOTENCY_KEY_USED = auto()
    PROJECT_ARCHIVED = auto()
    CARD_ARCHIVED = auto()
    LANE_TRANSITION = auto()
    """A card may not move there: WIP limit, card type, missing field, open dependency."""
    DEPENDENCY_CYCLE = auto()
    DEPENDENCIES_DISABLED = auto()
    FILE_NOT_UPLOADED = auto()
    DOCUMENT_STATUS = auto()
    """The status of the document or of the version does not allow it."""
    AGENT_STATUS = auto()
    """The status of a live agent does not allow it."""
    RUN_IN_PROGRESS = auto()
    RUN_STATUS = auto()
    """The run has ended, does not wait, or was already answered."""
    TASK_STATUS = auto()
    """The status of the task, or who holds it, does not allow it."""
    ALERT_STATUS = auto()
    """The alert was acknowledged or resolved before."""
    THREAD_STATUS = auto()
    """The thread is closed."""
    SAMPLES_TOO_FEW = auto()
    """There are fewer memories of this kind than a pattern needs."""
    SANDBOX_STATUS = auto()
    """The status of the sandbox does not allow it: it is not ready."""
    MESSAGE_STATUS = auto()
    """The message has not failed, or was answered before."""
    COLLABORATION_STATUS = auto()
    """The collaboration has ended."""
    CONFIGURATION_INVALID = auto()
    """What is configured does not work: an MCP server that does not respond, a provider's key that is refused."""
    DEPLOYMENT_IN_PROGRESS = auto()
    """Another deployment holds the environment."""
    INVOICE_STATUS = auto()
    INVITATION_NOT_PENDING = auto()
    WORKSPACE_OWNER = auto()
    """The owner cannot leave or lose the role; only a transfer changes the owner."""
    DEFAULT_WORKSPACE = auto()
    """An organization's default workspace cannot be transferred or deleted."""

    # limits
    LIMIT_REACHED = auto()
    MEMBER_LIMIT = auto()
    RUN_LIMIT = auto()
    USAGE_LIMIT = auto()
    WORKSPACE_SUSPENDED = auto()
    """Its invoices were unpaid for too long."""
    RATE_LIMITED = auto()

    # external services, and the platform itself
    PROVIDER_UNAVAILABLE = auto()
    """A model provider does not respond properly."""
    PROVIDER_RATE_LIMITED = auto()
    PROVIDER_NOT_CONFIGURED = auto()
    """A provider of models, sign-ins or payments has no credentials."""
    EXTERNAL_SERVICE_UNAVAILABLE = auto()
    """A sign-in provider or the payment gateway does not respond properly."""
    UNAVAILABLE = auto()
    TIMEOUT = auto()
    INTERNAL = auto()
