"""One HTTP server for all faces of the agent: a face is an entry in `FACES` and its own package."""
