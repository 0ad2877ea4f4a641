"""Webhooks: events of an organization, sent to addresses that it has entered."""
