"""The network around the exchanges: places and links, VLANs, and the ways that packets took."""
