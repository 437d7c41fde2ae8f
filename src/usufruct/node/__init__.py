"""One file for each use case: read, decide, append, act, append, answer. Only these files know the order."""
