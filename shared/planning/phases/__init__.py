"""Phases of a card: in which order it goes through them, what each asks for, and how long it was in each."""
