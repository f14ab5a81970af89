"""From an objective as written to a solver with a plan."""
