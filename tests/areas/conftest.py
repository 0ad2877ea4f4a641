"""What several areas' tests ask for."""

import pytest

from shared.people.access import liveness
from tests.areas.viewers import Gateway, shared_gateway


@pytest.fixture
def gateway(aws: None) -> Gateway:
    """The socket API's management side, empty, and nobody known as listening."""
    made = shared_gateway()
    made.activate()
    made.clear()
    liveness.clear_cache()
    return made
