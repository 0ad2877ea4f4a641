"""Benchmarks: our code and a bare baseline, measured in one run. They are no tests: CI never fails because of time."""
