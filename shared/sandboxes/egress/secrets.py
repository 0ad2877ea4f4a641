"""Secrets of a workspace in requests of its sandboxes: a sandbox names one, and never sees it."""

import base64
import re
from collections.abc import Mapping
from html.entities import codepoint2name
from typing import Final

from shared.core.errors import FieldError, Forbidden, Invalid
from shared.core.sealing import unseal
from shared.sandboxes.configuration.changing import REFERENCE, owner_of
from shared.sandboxes.configuration.rows import WorkspaceConfig
from shared.store import get

HIDDEN: Final = b"***"
_LONGEST: Final = 8  # bytes in which a character is written: &#x0027;


def named_in(headers: Mapping[str, str]) -> set[str]:
    """Return the names of the secrets that the values of headers ask for, as `${NAME}`."""
    return {name for value in headers.values() for name in REFERENCE.findall(value)}


def read_secrets(ws_id: str, names: set[str]) -> dict[str, str]:
    """Return secrets of a workspace by name. One read, and a call of KMS for each, the first time in a process.

    Raises Invalid for one that does not exist, and Forbidden for the key of a model provider: the platform alone calls models.
    """
    if not names:
        return {}
    blank = WorkspaceConfig.of(ws_id)
    config = get(WorkspaceConfig, blank.pk, blank.sk) or blank
    if unknown := sorted(names - config.secrets.keys()):
        raise Invalid(FieldError("headers", f"The workspace has no secret {unknown[0]}"))
    if keys := sorted(names & {one.get("secret") for one in config.providers}):
        raise Forbidden(f"{keys[0]} is the key of a model provider: no request of a sandbox may have it")
    return {name: unseal(config.secrets[name], owner_of(ws_id)) for name in names}


def fill(headers: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with the secrets in the place of their names."""
    return {name: REFERENCE.sub(lambda found: secrets[found[1]], value) for name, value in headers.items()}


def cut_out(data: bytes, secrets: Mapping[str, str]) -> bytes:
    """Return what a host has answered with *** in the place of each secret, also as it stands in JSON, HTML, URLs, base64 and hex.

    A host that changes it otherwise can give it back: what is trusted with a secret is the host.
    """
    for secret in sorted(secrets.values(), key=len, reverse=True):
        data = re.sub(_pattern(secret), HIDDEN, data, flags=re.IGNORECASE)
    return data


def longest_form(secrets: Mapping[str, str]) -> int:
    """Return the most bytes that a form of a secret has."""
    return max((_LONGEST * len(secret) for secret in secrets.values()), default=0)


def _pattern(secret: str) -> bytes:
    raw = secret.encode()
    whole = [*sorted(_in_base64(raw)), raw.hex().encode()]
    return b"|".join([b"".join(map(_character, secret)), *map(re.escape, whole)])


def _character(character: str) -> bytes:
    """Return a pattern for one character as it is, or as URLs, JSON and HTML write it."""
    code = ord(character)
    forms = [re.escape(character), f"%{code:02x}", rf"\\u{code:04x}", f"&#0*{code};", f"&#x0*{code:x};"]
    if name := codepoint2name.get(code):
        forms.append(f"&{name};")
    if not character.isalnum():
        forms.append(rf"\\{re.escape(character)}")
    if character == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})".encode()


def _in_base64(raw: bytes) -> set[bytes]:
    """Return the characters that stand for it in base64, wherever it begins: with none, one or two bytes before it."""
    found = set()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw)
        # characters that hold bits of what stands before it or after it are left out
        whole = coded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        found |= {whole, whole.replace(b"+", b"-").replace(b"/", b"_")}
    return found
