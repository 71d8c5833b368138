"""A conversation with a client at the other end of a network."""
