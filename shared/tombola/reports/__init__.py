"""What a campaign did, what it cost and what it brought: computed from the warehouse's facts alone."""
