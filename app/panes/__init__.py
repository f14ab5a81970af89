"""The panes around the canvas, one a file."""
