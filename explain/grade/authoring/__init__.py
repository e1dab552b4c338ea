"""For the author of a rubric: what is wrong with it, a first draft, its own trials, and captures damaged to try it."""
