"""Who answers the same prompts without a computer of its own, and the reader with a random library."""
