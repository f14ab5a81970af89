"""The command line. It needs no display and imports no Qt; only opening the window does."""
