"""Recordings of calls: their names, where they lie, converting and forgetting them."""
