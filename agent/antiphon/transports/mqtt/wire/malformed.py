"""What a message can be that nobody should act upon."""


class MalformedError(ValueError):
    """The message is not what its topic promises; it is counted and dropped."""
