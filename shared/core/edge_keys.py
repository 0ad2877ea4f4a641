"""The keys by which the edge proves itself: what reaches a function without one has passed no firewall, and is refused."""

import hmac

from shared.core.errors import Forbidden
from shared.core.settings import settings

HEADER = "x-cadre-edge"


def is_edge(sent: str) -> bool:
    """Return whether this value of the header is one of the keys. Each is compared, in a time that does not depend on the value."""
    keys = [key for key in settings().edge_keys.split(",") if key]
    return True in [hmac.compare_digest(sent.encode(errors="replace"), key.encode()) for key in keys]


def require_edge(sent: str) -> None:
    """Raise Forbidden if this value of the header is not one of the keys. A local platform has no edge, and asks for none."""
    if not settings().local and not is_edge(sent):
        raise Forbidden("Requests are accepted at the published address only")
