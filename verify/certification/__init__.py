"""The list of obligations, running them, and the certificate that says what came of it."""
