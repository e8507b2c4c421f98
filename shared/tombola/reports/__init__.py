"""What brands and retailers are told."""
