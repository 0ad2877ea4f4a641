"""Credentials that a platform team gives us: environment variables first, then a JSON secret in Secrets Manager.

The secret is an object with the same names: `{"ANTHROPIC_API_KEY": "...", "OAUTH_GITHUB_CLIENT_SECRET": "..."}`. It is read once in
five minutes, so a rotated key is taken up without a deployment. Values are never logged and never part of an error.
"""

import json
import os
import time
from collections.abc import Mapping

from shared.core.aws import client
from shared.core.errors import Upstream
from shared.core.settings import settings
from shared.core.situations import Situation

_KEPT_S = 300.0
_kept: dict[str, tuple[float, Mapping[str, str]]] = {}


def value(setting: str, variable: str) -> str:
    """The credential of that name, or an empty string. `setting` is the field of `Settings` that names the secret.

    Raises Upstream(PROVIDER_NOT_CONFIGURED) where the secret cannot be read.
    """
    return os.environ.get(variable, "").strip() or _secret(setting).get(variable, "").strip()


def forget() -> None:
    """Read the secrets again at the next use."""
    _kept.clear()


def _secret(setting: str) -> Mapping[str, str]:
    name: str = getattr(settings(), setting)
    if not name:
        return {}
    moment, found = _kept.get(name, (0.0, {}))
    if time.monotonic() - moment > _KEPT_S or name not in _kept:
        found = _fetched(name, f"the secret named by CADRE_{setting.upper()}")
        _kept[name] = (time.monotonic(), found)
    return found


def _fetched(name: str, called: str) -> Mapping[str, str]:
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
