"""Report + rubric -> verdicts, marks, feedback and gradebooks; and what shows that a hand-in is somebody else's."""
