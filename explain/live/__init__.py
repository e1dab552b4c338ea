"""Traffic that does not end: frames in, lines out as exchanges finish; what is over is forgotten."""
