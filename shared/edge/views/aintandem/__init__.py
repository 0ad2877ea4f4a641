"""What aintandem shows."""
