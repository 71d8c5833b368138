"""A conversation somewhere else: over the network, with a body of its own."""
