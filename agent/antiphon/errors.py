"""The one exception a user ever reads."""


class UserError(Exception):
    """Something the user can mend: one sentence saying what was wrong and what to do.

    The command line prints it without a traceback and exits with code 2.
    """
