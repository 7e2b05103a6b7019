"""The two ways in which a user's input can be at fault."""


class SettingsError(ValueError):
    """A setting is unknown, of the wrong type or impossible (exit code 2)."""


class DataError(Exception):
    """The data or the run directory is at fault (exit code 1).

    The message is one sentence that names the file, what is wrong with it and
    what to do.
    """
