"""The engine: which causes the witnesses leave, in which order, and the reasons for it."""
