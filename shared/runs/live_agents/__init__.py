"""Live agents: workers that register, say by heartbeats that they are alive, and work on tasks until they end or fall silent."""
