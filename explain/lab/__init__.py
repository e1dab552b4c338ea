"""A lab file becomes hosts, cables and faults in network namespaces, and a recording of every wire.

The way of a lab: ``read`` (a file, checked) -> ``plan`` (operations, no rights needed) -> ``build`` and ``perform``
(inside a process tree that takes everything with it when it ends) -> ``Recording``; ``up`` keeps one.  What the
recording means is not known here.
"""
