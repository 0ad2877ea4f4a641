"""The clients of agentworks: `AgentWorks`, and `AsyncAgentWorks` with the same methods to await."""

from collections.abc import AsyncIterator, Iterator

from ai_agents._transport import AsyncTransport, Transport
from ai_agents.agentworks import resources
from ai_agents.agentworks.terminal import Line, Terminal
from ai_agents.credentials import Renewable


def _check(transport: Transport | AsyncTransport) -> None:
    if not transport.is_beside and isinstance(transport.credential, Renewable):
        raise ValueError("agentworks gives no tokens: make a Client with this credential, and put this one `beside` it")


class AgentWorks(resources.Resources):
    """The client of agentworks, by the same token or key as `ai_agents.Client`. It gives no tokens: to have them renewed, put it `beside`
    a client that has the credential."""

    def _open(self, transport: Transport) -> None:
        _check(transport)
        super()._open(transport)

    def follow_run(self, card_id: str, run_id: str) -> Iterator[Line]:
        """Go through the lines that a run writes into its card's terminal, from the first one on, until the run has ended."""
        terminal = Terminal(self._transport.base_url, card_id, run_id, self._transport.retries)
        while not terminal.has_ended:
            yield from terminal.read(self._transport.signed())
            if (pause := terminal.pause()) is not None:
                self._transport.sleep(pause)


class AsyncAgentWorks(resources.AsyncResources):
    """The client of agentworks, for programs with an event loop: each method is awaited."""

    def _open(self, transport: AsyncTransport) -> None:
        _check(transport)
        super()._open(transport)

    async def follow_run(self, card_id: str, run_id: str) -> AsyncIterator[Line]:
        """Go through the lines that a run writes into its card's terminal, from the first one on, until the run has ended."""
        terminal = Terminal(self._transport.base_url, card_id, run_id, self._transport.retries)
        while not terminal.has_ended:
            async for line in terminal.read_async(await self._transport.signed()):
                yield line
            if (pause := terminal.pause()) is not None:
                await self._transport.sleep(pause)
