"""What students handed in: folders, archives, whose they are, and which of their files count."""
