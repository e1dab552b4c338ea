"""From the place where a packet stops to the causes that the states prove."""
