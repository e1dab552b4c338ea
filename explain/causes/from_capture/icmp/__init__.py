"""Errors that somebody sent back: who says what of whose packet, and what follows from it."""
