"""What tells that a capture was copied, edited or made up: evidence for a person, never a mark.

Each submission leaves its *prints*, made where it is graded; ``compare`` looks at the prints of a whole class.
"""
