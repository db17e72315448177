"""What a training reads and keeps on disk: features, prompts of a file, states to go on from, processes."""
