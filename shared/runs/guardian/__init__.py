"""The guardian: interventions in the work of agents, which can be reverted, and the cycle that watches all who work."""
