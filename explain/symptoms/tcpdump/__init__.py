"""tcpdump's lines: cut into packets, and written as octets again for the decoder."""
