"""Network addresses: what a caller is counted by."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

_IPV6_PREFIX = 64  # bits; RFC 6177: the least that a site gets, and each of its machines may take any address of it
_MAX_LENGTH = 45  # characters of the longest address


@lru_cache(maxsize=256)  # who asks asks again
def network_of(address: str) -> str:
    """Return the network that an address is counted by: the address itself, or the first 64 bits of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_MAX_LENGTH]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> _IPV6_PREFIX << _IPV6_PREFIX)}/{_IPV6_PREFIX}"
