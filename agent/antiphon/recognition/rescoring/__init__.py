"""Second thoughts about a transcript in doubt: what else was likely, and what makes more sense."""
