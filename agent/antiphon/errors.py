"""The exception whose message is for the user."""


class UserError(Exception):
    """Something the user can fix: one sentence that says what was wrong and what to do.

    The command line prints it without a traceback and exits with code 2.
    """
