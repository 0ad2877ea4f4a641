"""What is learned from the work: the audit trail, statistics, searches, alerts, memories and quality."""
