"""How programs phrase things, line by line: ping, traceroute and their kin, clients, servers."""
