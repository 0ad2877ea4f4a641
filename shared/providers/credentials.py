"""Credentials of model providers: environment variables first, then the JSON secret named by CADRE_PROVIDER_SECRET.

The secret is an object with the same names: `{"ANTHROPIC_API_KEY": "...", "OPENAI_BASE_URL": "..."}`. It is read once in five
minutes, so a rotated key is taken up without a deployment. Values are never logged and never part of an error.
"""

import json
import os
import time
from collections.abc import Mapping

from shared.core.errors import Upstream
from shared.core.settings import settings

_KEPT_S = 300.0
_kept: dict[str, tuple[float, Mapping[str, str]]] = {}


def value(variable: str) -> str:
    """The credential of that name, or an empty string."""
    return os.environ.get(variable, "").strip() or _secret().get(variable, "").strip()


def forget() -> None:
    """Read the secret again at the next use."""
    _kept.clear()


def _secret() -> Mapping[str, str]:
    name = settings().provider_secret
    if not name:
        return {}
    moment, found = _kept.get(name, (0.0, {}))
    if time.monotonic() - moment > _KEPT_S or name not in _kept:
        found = _fetched(name)
        _kept[name] = (time.monotonic(), found)
    return found


def _fetched(name: str) -> Mapping[str, str]:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        text = boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
        parsed = json.loads(text)
    except (BotoCoreError, ClientError, KeyError) as error:
        told = f"the secret named by CADRE_PROVIDER_SECRET cannot be read ({type(error).__name__})"
        raise Upstream("provider_credentials", told) from error
    except ValueError as error:
        raise Upstream("provider_credentials", "the secret named by CADRE_PROVIDER_SECRET is not JSON") from error
    if not isinstance(parsed, dict):
        raise Upstream("provider_credentials", "the secret named by CADRE_PROVIDER_SECRET is not a JSON object")
    return {str(key): str(item) for key, item in parsed.items()}
