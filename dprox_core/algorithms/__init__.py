"""Solution methods, one a file, all on one base."""
