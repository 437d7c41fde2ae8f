"""The node on the web: an HTTP API for programs, a portal for people."""
