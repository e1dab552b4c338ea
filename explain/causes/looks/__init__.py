"""What to look at next: which looks there are, what each cause foretells of them, and which split what remains."""
