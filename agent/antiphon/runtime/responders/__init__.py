"""What answers in a conversation, and the worker it runs in. Knows the agent and its tools."""
