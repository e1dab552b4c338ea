"""The ladder in the terminal: what is drawn, over hosts and over places, and on what sheet."""
