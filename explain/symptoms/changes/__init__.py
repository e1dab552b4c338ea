"""Changes that somebody typed: what they would do to a network, and why a host refused them."""
