"""The error of a malformed message."""


class MalformedError(ValueError):
    """The message is not what its topic promises; it is counted and dropped."""
