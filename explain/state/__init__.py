"""States of hosts: read into records, and the kernel's decisions about one packet recomputed from them.

``read.read_state`` reads one, ``decide.decide`` asks one host, ``walk.walk`` follows a packet and its answer
through several, and ``blame`` names the cause that the states show.
"""
