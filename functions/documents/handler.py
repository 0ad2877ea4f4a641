"""documents: documents of a project with their versions and revisions."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("documents", agentworks="functions.documents.agentworks", omoios="functions.documents.omoios")
