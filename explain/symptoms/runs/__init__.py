"""What one program printed, from its first line to its last: its symptoms, its hops, its sums."""
