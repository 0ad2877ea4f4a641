"""Alerts: what has gone wrong and needs somebody, by rules that a workspace can change."""
