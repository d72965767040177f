"""The one kind of error that a user can mend."""


class InputError(ValueError):
    """Bad input or bad parameters: one sentence that names the file, the row or the parameter.

    The command line and the stage scripts print the sentence and leave with exit code 1; anything else is a bug and keeps
    its traceback.
    """
