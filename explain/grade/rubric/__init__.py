"""rubric.toml -> Rubric: what an instructor asks, read and checked."""
