"""SA services under ``call/``."""
