"""How each contract renders what is rendered on delivery: log entries and a run's status. `ws_pusher` loads nothing more.

A contract whose socket shows logs needs a module that implements `SocketContract` and an entry here.
"""

from collections.abc import Mapping
from typing import Final

from shared.channels.sockets.frames import SocketContract
from shared.edge.views.agentworks import terminal
from shared.edge.views.aintandem import lines

SOCKET_CONTRACTS: Final[Mapping[str, SocketContract]] = {"agentworks": terminal, "aintandem": lines}
