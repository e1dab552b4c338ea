"""Labs that stay up until they are taken down: who keeps them, and how they are looked into meanwhile."""
