"""What ``explain FILE...`` does once its words are understood: captures told, checked, or heard live."""
