"""Hours: working time as spans, the limits and floors it is held against, what is found, and appeals."""
