"""Orders as joins of facts."""
