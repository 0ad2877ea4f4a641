"""Connected repositories at GitHub: what comes in by their webhooks, and what goes out to them."""
