"""SA services under ``pbx/``."""
