"""The inbox of a person: what the platform tells them, beside e-mails."""
