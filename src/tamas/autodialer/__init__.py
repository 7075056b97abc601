"""Campaigns: state machines, pacing, dialing, results."""
