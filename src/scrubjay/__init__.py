"""scrubjay: a relay beside your application."""

__version__ = "0.1.0"
