"""What running costs and what breaks first, worked out from operations that were counted and prices that are dated."""
