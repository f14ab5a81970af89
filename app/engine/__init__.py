"""The process that solves, and the window's side of it.

``client`` is what a window holds; it knows neither Qt nor torch. The files named ``worker*`` run on
the other side, in a process of their own, and in the command line.
"""
