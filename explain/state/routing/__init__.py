"""Routes: which one a packet takes, from which address, and whether an answer would come back the same way."""
