"""Report -> events: what happened, under the names that a rubric uses."""
