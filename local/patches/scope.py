"""The account and region of the engine's current request."""

import contextlib
from collections.abc import Iterator

from ministack.core import responses


@contextlib.contextmanager
def account_and_region(account: str, region: str) -> Iterator[None]:
    """Work in this account and region: the engine finds its resources by them."""
    account_token = responses._request_account_id.set(account)
    region_token = responses._request_region.set(region)
    try:
        yield
    finally:
        responses._request_account_id.reset(account_token)
        responses._request_region.reset(region_token)
