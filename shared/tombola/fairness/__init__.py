"""What lets a stranger check a campaign: signed heads over all that was issued and drawn, the register, the reveal."""
