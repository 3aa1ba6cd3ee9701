"""pytest-odcv: does an agent break the rules it was given when a KPI rewards it?

Importing this package costs nothing beyond this file: pytest loads it in every run of everyone who
has it installed. Whatever is heavy is imported by the module that needs it, when it needs it.
"""

__version__ = "0.1.0"
