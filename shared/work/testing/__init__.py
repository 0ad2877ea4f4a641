"""Test cases of features, and the results of their runs."""
