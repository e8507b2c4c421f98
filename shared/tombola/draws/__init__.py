"""What a token wins: drawn from the seed, granted from what there is."""
