"""The one base of all errors that are written for a user."""


class UserError(Exception):
    """What a user can mend: the message says setting, value, rule and remedy."""
