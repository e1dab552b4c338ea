"""A capture under other names: its frames, the messages in them, and who gets which name."""
