"""What enterprise shows of the platform's entities, in answers and in webhooks."""
