"""Errors for the person who starts the server; their text says what to do."""


class LocalModelError(Exception):
    """Base of the errors here."""


class UsageProblem(LocalModelError):
    """An option that cannot be used."""


class ModelError(LocalModelError):
    """The model is not installed, or could not answer."""
