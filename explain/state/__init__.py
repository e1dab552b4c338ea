"""States of hosts: read into records, and the kernel's decisions about one packet recomputed from them.

``reading`` reads one, ``one_host`` asks one host, ``walk`` follows a packet and its answer through several, and
``blame`` names the cause that the states show.
"""
