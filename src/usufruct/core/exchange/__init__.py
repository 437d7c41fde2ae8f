"""Services of other systems, called through the node: who may call what, and what was called."""
