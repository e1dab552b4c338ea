"""Hosts joined by cables and bridges: who hears a frame, and who answers for an address."""
