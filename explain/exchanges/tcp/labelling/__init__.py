"""The labels of segments, as Wireshark gives them: of ordinary connections all at once, of the others step by step."""
