"""Agents at work: runs, the tools they act with, and their terminals."""
