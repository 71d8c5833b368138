"""What an utterance asks of a tool, by rule: whether to act, yes or no, and in which unit."""
