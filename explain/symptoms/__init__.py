"""Text of terminals and logs, read into facts: who said what, about whom."""
