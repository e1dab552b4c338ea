"""The hosts' states as a witness: the packet of this very command, walked through them."""
