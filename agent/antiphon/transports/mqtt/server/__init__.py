"""The agent's end: many robots, a conversation each. Knows `wire` and the runtime."""
