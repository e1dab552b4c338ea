"""A pasted text in blocks: who typed what on which host, and what came back."""
