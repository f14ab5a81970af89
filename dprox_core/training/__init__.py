"""Training: the data, the loop, and the table that judges its outcome."""
