"""Text beside a capture of the same moment: what one has and the other lacks."""
