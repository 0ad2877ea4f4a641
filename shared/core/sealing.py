"""Secrets of tenants that must be read again, encrypted by KMS. What is encrypted for one owner cannot be read as another's."""

import base64
from functools import lru_cache

from shared.core import aws
from shared.core.settings import settings


def seal(secret: str, owner: str) -> str:
    """Encrypt a secret of an owner (the key of its row). One call of KMS."""
    sealed: bytes = aws.short_call_client("kms").encrypt(
        KeyId=settings().need("secrets_key"), Plaintext=secret.encode(), EncryptionContext={"owner": owner}
    )["CiphertextBlob"]
    return base64.b64encode(sealed).decode()


@lru_cache(maxsize=1_000)
def unseal(sealed: str, owner: str) -> str:
    """Decrypt a secret of an owner. One call of KMS, the first time in a process."""
    secret: bytes = aws.short_call_client("kms").decrypt(
        KeyId=settings().need("secrets_key"), CiphertextBlob=base64.b64decode(sealed), EncryptionContext={"owner": owner}
    )["Plaintext"]
    return secret.decode()
