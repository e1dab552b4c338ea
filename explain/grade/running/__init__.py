"""One submission or a whole class, graded apart from each other, here or on a cluster."""
