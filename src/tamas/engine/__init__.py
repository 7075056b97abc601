"""Asterisk: getting it, configuring it, running it, and the two connections over which we talk to it."""
