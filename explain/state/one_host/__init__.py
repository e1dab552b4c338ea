"""One host and one packet: sent, delivered, forwarded or dropped, and by which object of the state."""
