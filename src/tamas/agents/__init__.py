"""Agents: who works in which queue, at which phone, and for how long."""
