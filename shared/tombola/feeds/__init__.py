"""Files that retailers send, their contracts and receipts."""
