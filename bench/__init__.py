"""Measured claims, one module each: `python -m bench` lists them, `python -m bench NAME` runs one.

Each compares the node with what a user would pick instead, in one process and in turns, so that whatever else the
machine does slows both. Times are medians over the turns; a ratio is of medians.
"""
