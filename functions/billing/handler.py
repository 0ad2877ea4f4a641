"""billing: accounts, invoices, payments."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("billing", agentworks="functions.billing.agentworks")
