"""What a refused handshake of a socket means."""

import httpx2

from ai_agents.errors import error_of


def not_refused(error: Exception) -> Exception:
    """Return the error of a connection after which another may be better. Raises APIError if the platform does not want this one."""
    response = getattr(error, "response", None)  # of a handshake
    if response is None or response.status_code == 429 or response.status_code >= 500:
        return error
    raise error_of(
        httpx2.Response(response.status_code, headers=dict(response.headers), content=bytes(response.body or b""))
    ) from error
