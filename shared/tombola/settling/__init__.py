"""What becomes of plays and prizes after the draw: maturity, expiry, and whether the books add up."""
