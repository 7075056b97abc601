"""The live stream of the console."""
