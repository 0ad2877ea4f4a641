"""Network addresses: what a caller is counted by, and what customers may let us connect to."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from shared.core.settings import settings

_IPV6_PREFIX = 64  # bits; RFC 6177: the least that a site gets, and each of its machines may take any address of it
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_GLOBAL_UNICAST = ip_network("2000::/3")  # RFC 4291: what is assigned to hosts of the internet; site-local fec0::/10 is not
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


def is_public(address: str) -> bool:
    """Tell whether an IP address is of the public internet, also the IPv4 address that an IPv6 address stands for."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GLOBAL_UNICAST:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def is_permitted(address: str) -> bool:
    """Tell whether we connect to an IP address that a customer's address leads to: a public one, on the local stage also this machine."""
    return is_public(address) or (settings().local and ip_address(address).is_loopback)
