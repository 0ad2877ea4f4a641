"""Agents: who they are (`catalogue`), what they may do (`tools`), and the models that answer for them (`providers`)."""
