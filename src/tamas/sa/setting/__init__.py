"""SA services under ``setting/``."""
