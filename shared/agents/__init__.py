"""Agents: who they are (`catalogue`), what they are told (`context`) and what they may do (`tools`)."""
