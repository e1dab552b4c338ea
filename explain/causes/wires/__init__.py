"""The captures as a witness: whose place each one is, what was seen there of the command, and where that ends."""
