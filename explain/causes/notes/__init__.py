"""Notes as a witness: replayed line by line into a picture of the network, told, and judged.

``study`` is where to begin; nothing is imported here, for a capture needs none of it.
"""
