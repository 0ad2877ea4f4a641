"""The ledger line and the daily sums."""

from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, Row, UnicodeAttribute


class UsageLine(Entity):
    """One model call. Written once, never changed. Money in micro-dollars; the four token buckets are disjoint."""

    KIND = "USE"
    NAME = "usage line"

    at = UnicodeAttribute()
    run_id = UnicodeAttribute()
    item_id = UnicodeAttribute()
    agent_id = UnicodeAttribute()
    agent_name = UnicodeAttribute()
    user = JSONAttribute()
    provider = UnicodeAttribute()
    model = UnicodeAttribute()
    """The model that really answered."""
    input_tokens = NumberAttribute()
    cache_read_tokens = NumberAttribute()
    cache_write_tokens = NumberAttribute()
    output_tokens = NumberAttribute()
    estimated = BooleanAttribute(default=False)
    provider_cost_micros = NumberAttribute()
    customer_price_micros = NumberAttribute()
    unpriced = BooleanAttribute(default=False)
    """No price is known for this model: both amounts are 0 and mean nothing."""
    price_version = UnicodeAttribute()

    @property
    def tokens(self) -> int:
        """All four buckets."""
        return int(self.input_tokens + self.cache_read_tokens + self.cache_write_tokens + self.output_tokens)

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
    At `USG#<WS or PROJ>#<id>, <DIM>-M#<month>#<value>`: every dimension but TOTAL, by month, so that a year of a thousand people is
    12,000 rows and not 365,000. (A year of totals is 365 rows: they need no months.)

    Dimensions: TOTAL (no value), PROJECT (a workspace's only), AGENT, PROVIDER, USER.
    """

    TABLE = "core_table"

    kind = UnicodeAttribute(default="ROLLUP")
    name = UnicodeAttribute(null=True)
    """What the value is called, as of the latest line."""
    calls = NumberAttribute(default=0)
    tokens = NumberAttribute(default=0)
    cost_micros = NumberAttribute(default=0)
    price_micros = NumberAttribute(default=0)
    unpriced_calls = NumberAttribute(default=0)

    @property
    def day(self) -> str:
        """Or the month."""
        return str(self.sk.split("#", 2)[1])

    @property
    def value(self) -> str:
        return str(self.sk.split("#", 2)[2])


def workspace_partition(ws_id: str) -> str:
    """The partition of a workspace's sums."""
    return f"USG#WS#{ws_id}"


def project_partition(project_id: str) -> str:
    return f"USG#PROJ#{project_id}"
