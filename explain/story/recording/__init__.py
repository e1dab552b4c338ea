"""The recording itself: what is in it beside exchanges, what it lacks, and what people wrote into it."""
