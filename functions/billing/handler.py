"""billing: accounts, invoices, payments."""

from shared.http.door import door

handler = door("billing", agentworks="functions.billing.agentworks")
