"""Arithmetic whose result depends neither on the number of threads nor on who is listening."""
