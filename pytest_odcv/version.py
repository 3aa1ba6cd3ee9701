"""The version of this package, a plain name so that any layer can write it down."""

__version__ = "0.1.0"
