"""What a network address is counted by."""

import pytest

from shared.core.networks import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:0DB8:0000:0001:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
        ("x" * 500, "x" * 45),
    ],
)
def test_an_ipv6_address_is_counted_with_its_site(address, network):
    assert network_of(address) == network
