"""insights: statistics, searches and times."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("insights", omoios="functions.insights.omoios")
