"""A page on which a visitor talks with the agent in the browser."""
