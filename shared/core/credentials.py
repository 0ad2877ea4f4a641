"""Credentials from the operator of a deployment: environment variables first, then a JSON secret in Secrets Manager.

The secret is an object with the same names: `{"ANTHROPIC_API_KEY": "...", "OAUTH_GITHUB_CLIENT_SECRET": "..."}`. It is cached for
five minutes, so a rotated key is used without a deployment. Values are never logged and never part of an error.
"""

import json
import os
import time
from collections.abc import Mapping

from shared.core.aws import client
from shared.core.errors import Upstream
from shared.core.settings import settings
from shared.core.situations import Situation

_CACHE_S = 300.0
_cache: dict[str, tuple[float, Mapping[str, str]]] = {}


def value(setting: str, variable: str) -> str:
    """Return the credential named `variable`, or an empty string. `setting` is the field of `Settings` that names the secret.

    Raises Upstream(PROVIDER_NOT_CONFIGURED) if the secret cannot be read.
    """
    return os.environ.get(variable, "").strip() or _secret(setting).get(variable, "").strip()


def clear_cache() -> None:
    """Drop the cached secrets; the next use reads them again."""
    _cache.clear()


def _secret(setting: str) -> Mapping[str, str]:
    name: str = getattr(settings(), setting)
    if not name:
        return {}
    moment, secret = _cache.get(name, (0.0, {}))
    if time.monotonic() - moment > _CACHE_S or name not in _cache:
        secret = _fetch(name, f"the secret named by CADRE_{setting.upper()}")
        _cache[name] = (time.monotonic(), secret)
    return secret


def _fetch(name: str, called: str) -> Mapping[str, str]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        text = client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
        parsed = json.loads(text)
    except (BotoCoreError, ClientError, KeyError) as error:
        raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"{called} cannot be read ({type(error).__name__})") from error
    except ValueError as error:
        raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"{called} is not JSON") from error
    if not isinstance(parsed, dict):
        raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"{called} is not a JSON object")
    return {str(key): str(item) for key, item in parsed.items()}
