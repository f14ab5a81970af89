"""What a graph is: document, commands, checks, script. No Qt, no torch."""

__version__ = "0.1.0"
