"""A packet from host to host: the path it takes, the place where it stops, and what is odd on a way that is open."""
