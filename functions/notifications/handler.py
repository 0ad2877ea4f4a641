"""notifications: the inbox of a person, and the alerts of workspaces."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("notifications", omoios="functions.notifications.omoios")
