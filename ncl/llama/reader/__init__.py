"""The reader of a prompt: the network, the call plan, the ensemble, and the likelihoods that it learns by."""
