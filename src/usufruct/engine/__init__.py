"""Runs plans where the data lie."""
