"""What each op computes on tensors. Written from the prose of the op table, never derived from it."""
