"""How each contract shows what is rendered on delivery: log entries and a run's status. For `ws_pusher`, which loads no more than this.

A contract whose socket shows logs (aintandem's sandboxes) joins with a module that fulfils `SocketContract` and a line here.
"""

from collections.abc import Mapping
from typing import Final

from shared.channels.sockets.frames import SocketContract
from shared.edge.views.agentworks import terminal

SOCKET_CONTRACTS: Final[Mapping[str, SocketContract]] = {"agentworks": terminal}
