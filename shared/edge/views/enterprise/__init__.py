"""What enterprise shows of the platform: requirements, features, test results, and the events of its webhooks."""
