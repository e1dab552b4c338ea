"""Names, and the servers that are asked for them."""
