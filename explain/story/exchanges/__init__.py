"""Exchanges told one by one, each kind in its own words: a file for a kind, or for kinds that are told alike."""
