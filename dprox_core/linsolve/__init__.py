"""Solvers for the linear systems of x-updates: diagonal in space, in frequency, or by iteration."""
