"""Where data come from and where they go: steps outside the node, derived assets, and what these inherit."""
