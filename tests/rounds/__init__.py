"""Jobs and rounds, through the use cases."""
