"""What the contracts show of the platform's entities, where more than one area shows it."""
