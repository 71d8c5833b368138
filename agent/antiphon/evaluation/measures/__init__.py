"""One measure a module: what the README claims. Knows judges, material and scores."""
