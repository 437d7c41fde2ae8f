"""Doors outward: other people's servers that the node asks over HTTP."""
