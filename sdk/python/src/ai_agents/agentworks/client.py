"""The clients of agentworks: `AgentWorks`, and `AsyncAgentWorks` with the same methods to await."""

from collections.abc import AsyncIterator, Iterator

from ai_agents.agentworks import resources
from ai_agents.agentworks.terminal import Line, Terminal


class AgentWorks(resources.Resources):
    """The client of agentworks, by the same credentials as `ai_agents.Client`: a token opens both."""

    def follow_run(self, card_id: str, run_id: str) -> Iterator[Line]:
        """Go through the lines that a run writes into its card's terminal, from the first one on, until the run has ended."""
        terminal = Terminal(self._transport.base_url, card_id, run_id, self._transport.retries)
        while not terminal.has_ended:
            yield from terminal.read(self._transport.signed())
            if (pause := terminal.pause()) is not None:
                self._transport.sleep(pause)


class AsyncAgentWorks(resources.AsyncResources):
    """The client of agentworks, for programs with an event loop: each method is awaited."""

    async def follow_run(self, card_id: str, run_id: str) -> AsyncIterator[Line]:
        """Go through the lines that a run writes into its card's terminal, from the first one on, until the run has ended."""
        terminal = Terminal(self._transport.base_url, card_id, run_id, self._transport.retries)
        while not terminal.has_ended:
            async for line in terminal.read_async(await self._transport.signed()):
                yield line
            if (pause := terminal.pause()) is not None:
                await self._transport.sleep(pause)
