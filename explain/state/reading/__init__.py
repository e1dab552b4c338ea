"""A state file, JSON of iproute2 and nft, into a HostState."""
