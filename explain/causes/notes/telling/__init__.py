"""What the notes say, block by block: what was typed, and what was shown, by what it means."""
