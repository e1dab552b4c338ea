"""What a rubric may say about events: expressions, functions, predicates and patterns."""
