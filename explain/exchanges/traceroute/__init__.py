"""Traces: probes with rising TTLs, and who answered them."""
