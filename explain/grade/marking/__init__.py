"""Rubric + events -> verdicts: each check and each answer, why, and what cannot be told."""
