"""The KMS key that signs the tokens of OAuth clients, made when a test first asks: it takes longer than a table."""

import os
from functools import cache

from shared.core.aws import short_call_client
from shared.core.settings import settings
from shared.people.access import client_signing


def use_client_key() -> str:
    """Let this process sign with the key; return its ARN."""
    return use(_made())


def use(arn: str) -> str:
    os.environ["CADRE_CLIENT_TOKEN_KEY"] = arn
    settings.cache_clear()
    client_signing.forget()
    return arn


def make() -> str:
    arn: str = short_call_client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    return arn


_made = cache(make)
