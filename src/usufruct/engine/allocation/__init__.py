"""Allocation of a hundred thousand workers, and the check of it: the same bytes as `core.work.allocation`, in columns of numbers.

With the extra `work` the loops are compiled by Numba. Without it the plain twins of the core do the work, which is as right and
takes longer; the check needs NumPy alone.
"""
