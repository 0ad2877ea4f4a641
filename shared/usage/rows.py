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

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {
            1: (f"WS#{self.ws_id}#USE", f"{self.at}#{self.id}"),
            2: (f"RUN#{self.run_id}#USE", f"{self.at}#{self.id}"),
            3: (f"WS#{self.ws_id}#AGENT#{self.agent_id}#USE", f"{self.at}#{self.id}"),
            4: (f"PROJ#{self.proj_id}#USE", f"{self.at}#{self.id}"),
        }


class Rollup(Row):
    """At `USG#<WS or PROJ>#<id>, <DIM>#<day>#<value>`: the sum of the day's lines that have this value.

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
        return str(self.sk.split("#", 2)[1])

    @property
    def value(self) -> str:
        return str(self.sk.split("#", 2)[2])
