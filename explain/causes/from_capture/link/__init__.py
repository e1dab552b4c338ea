"""One link: who answers for which address, who routes, and what passes there and should not."""
