"""Command lines: what they ask of the network, and on which host; nothing is ever run."""
