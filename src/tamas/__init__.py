"""Tamas: an open contact center on Asterisk 22 that speaks the Simotel API v4."""

__version__ = "0.1.0"
