"""audit: the audit trail, its proof, and exports."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("audit", omoios="functions.audit.omoios")
