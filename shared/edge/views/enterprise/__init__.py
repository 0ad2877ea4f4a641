"""What enterprise shows of the platform: the events of its webhooks."""
