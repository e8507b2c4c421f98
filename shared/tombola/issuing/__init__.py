"""What an order or a free entry earns: its tokens, tier by tier, and the places they take in the limits."""
