"""Rows of usage: the ledger line, and the sums by day and month."""

from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, Row, UnicodeAttribute


class UsageLine(Entity):
    """A ledger line: one model call, written once and never changed. Money in micro-dollars; the four token buckets are disjoint."""

    KIND = "USE"
    NAME = "usage line"

    at = UnicodeAttribute()
    run_id = UnicodeAttribute()
    item_id = UnicodeAttribute()
    phase_id = UnicodeAttribute(null=True)
    """The phase of the card when its run was requested."""
    agent_id = UnicodeAttribute()
    agent_name = UnicodeAttribute()
    user = JSONAttribute()
    provider = UnicodeAttribute()
    model = UnicodeAttribute()
    """The model that produced the response."""
    input_tokens = NumberAttribute()
    cache_read_tokens = NumberAttribute()
    cache_write_tokens = NumberAttribute()
    output_tokens = NumberAttribute()
    estimated = BooleanAttribute(default=False)
    provider_cost_micros = NumberAttribute()
    customer_price_micros = NumberAttribute()
    output_cost_micros = NumberAttribute(null=True)
    """The part of the provider's cost that is for what the model wrote; not in lines of before."""
    unpriced = BooleanAttribute(default=False)
    """Whether the model has no known price; both amounts are then 0 and have no meaning."""
    price_version = UnicodeAttribute()

    @property
    def tokens(self) -> int:
        """The tokens of all four buckets."""
        return int(self.input_tokens + self.cache_read_tokens + self.cache_write_tokens + self.output_tokens)

    @property
    def output_price_micros(self) -> int:
        """The part of the customer's price that is for what the model wrote: as its part of the cost, in older lines of the tokens."""
        if self.output_cost_micros is None:
            part, whole = int(self.output_tokens), self.tokens
        else:
            part, whole = int(self.output_cost_micros), int(self.provider_cost_micros)
        return int(self.customer_price_micros) * part // whole if whole else 0

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {
            1: (f"WS#{self.ws_id}#USE", f"{self.at}#{self.id}"),
            2: (f"RUN#{self.run_id}#USE", f"{self.at}#{self.id}"),
            3: (f"WS#{self.ws_id}#AGENT#{self.agent_id}#USE", f"{self.at}#{self.id}"),
            4: (f"PROJ#{self.proj_id}#USE", f"{self.at}#{self.id}"),
        }


class Rollup(Row):
    """The sum of the lines of a day, or of a month, that have this value.

    At `USG#<WS or PROJ>#<id>, <DIM>#<day>#<value>`: every dimension, by day.
    At `USG#<WS or PROJ>#<id>, <DIM>-M#<month>#<value>`: every dimension but TOTAL, by month, so that a year of a thousand users is
    12,000 rows and not 365,000. (A year of totals is only 365 rows.)
    At `USG#ITEM#<card>, AGENT-M#<month>#<agent>`: what was used on a card.

    Dimensions: TOTAL (no value), PROJECT (a workspace's only), AGENT, PROVIDER, USER, and PHASE by month only.
    """

    TABLE = "core_table"

    kind = UnicodeAttribute(default="ROLLUP")
    name = UnicodeAttribute(null=True)
    """The display name of the value, as of the latest line."""
    calls = NumberAttribute(default=0)
    tokens = NumberAttribute(default=0)
    cost_micros = NumberAttribute(default=0)
    price_micros = NumberAttribute(default=0)
    unpriced_calls = NumberAttribute(default=0)

    @property
    def day(self) -> str:
        """The day, or the month of a monthly sum."""
        return str(self.sk.split("#", 2)[1])

    @property
    def value(self) -> str:
        return str(self.sk.split("#", 2)[2])


def workspace_partition(ws_id: str) -> str:
    """Return the partition key of a workspace's sums."""
    return f"USG#WS#{ws_id}"


def project_partition(project_id: str) -> str:
    return f"USG#PROJ#{project_id}"


def card_partition(card_id: str) -> str:
    return f"USG#ITEM#{card_id}"
