"""Take what looks like a key out of texts that people will read."""

import re
from typing import Final

from shared.core.keys import API_KEY

_SECRET: Final = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # a JSON web token
    r"|\b(?:sk|rk|pk|gsk|xai)[-_][\w-]{12,}"  # keys of model providers and of payments
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{12,}|\bAIza[\w-]{20,}"  # of AWS and Google
    r"|\bgh[a-z]_\w{20,}|\bgithub_pat_\w{20,}"  # of GitHub
    rf"|\b{re.escape(API_KEY)}[\w-]{{8,}}"  # ours
    r"|(?<=bearer )\S{8,}",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return the text with *** in the place of each token and key."""
    return _SECRET.sub("***", text)
