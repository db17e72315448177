"""One step of the integer machine is one step of the spec, for every state and instruction."""
