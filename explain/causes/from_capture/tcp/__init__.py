"""Connections: refused, cut off, slow, lossy, or one of very many."""
