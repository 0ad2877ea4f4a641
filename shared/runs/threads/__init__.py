"""Threads: what agents say to each other, and how one hands a task to another."""
