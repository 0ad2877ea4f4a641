"""billing: accounts, invoices, payments."""

from shared.edge.http.lambda_handler import door

handler = door("billing", agentworks="functions.billing.agentworks")
