"""The gateway between sandboxes and the platform: a program of one file, for Python 3.9 without libraries, on an instance of its own.

It reads the name that a TLS client asks for (SNI), and carries the connection, still encrypted, to that host if the name is one of those in
its arguments. It has no key, keeps nothing and reads nothing else.

    python3 forward.py api.example.com ws.example.com
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterable

PORT = 443
HELLO_WITHIN = 5.0  # seconds
MAX_HELLO = 16_384  # bytes of one TLS record
MOST = 2_000  # connections at once
CHUNK = 65_536
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def server_name(record: bytes) -> str | None:
    """Return the name in a ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3); None if there is none."""
    try:
        if record[0] != 22 or record[5] != 1:
            return None
        at = 43
        at += 1 + record[at]
        at += 2 + int.from_bytes(record[at : at + 2], "big")
        at += 1 + record[at]
        end = at + 2 + int.from_bytes(record[at : at + 2], "big")
        at += 2
        while at + 4 <= end:
            kind, length = int.from_bytes(record[at : at + 2], "big"), int.from_bytes(record[at + 2 : at + 4], "big")
            if kind == 0:
                size = int.from_bytes(record[at + 7 : at + 9], "big")
                name = record[at + 9 : at + 9 + size]
                return name.decode("ascii").lower() if len(name) == size and size else None
            at += 4 + length
    except (IndexError, UnicodeDecodeError):
        return None
    return None


class Gateway:
    def __init__(self, names: Iterable[str], connect: Callable[[str], Awaitable[Ends]] | None = None) -> None:
        self.names = frozenset(name.lower() for name in names)
        self.connect = connect or (lambda name: asyncio.open_connection(name, PORT))
        self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            if self.open <= MOST:
                await self._forward(reader, writer)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):  # noqa: UP041 - two classes in Python 3.9
            pass  # one of the two sides went away
        finally:
            self.open -= 1
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readexactly(5), HELLO_WITHIN)
        length = int.from_bytes(head[3:5], "big")
        if length > MAX_HELLO:
            return
        hello = head + await asyncio.wait_for(reader.readexactly(length), HELLO_WITHIN)
        name = server_name(hello)
        if name is None or name not in self.names:
            print(f"refused: {name!r}", flush=True)
            return
        there, back = await asyncio.wait_for(self.connect(name), HELLO_WITHIN)
        try:
            back.write(hello)
            ways = [asyncio.ensure_future(_carry(reader, back)), asyncio.ensure_future(_carry(there, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            back.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while True:
            data = await reader.read(CHUNK)
            if not data:
                return
            writer.write(data)
            await writer.drain()


async def main(names: list[str]) -> None:
    gateway = Gateway(names)
    listening = await asyncio.start_server(gateway.serve, "0.0.0.0", PORT, backlog=512)  # noqa: S104 - sandboxes ask from outside
    async with listening:
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
