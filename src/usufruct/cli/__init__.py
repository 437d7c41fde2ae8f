"""The node from a terminal: the same use cases, on a node directory of one's own."""
