"""Evidence: the facts about a trial that no model has to be believed for."""

from .evidence import Evidence
from .files import Files
from .timeline import Change, Message

__all__ = ["Change", "Evidence", "Files", "Message"]
