"""The web console: its HTTP API, sign-in and sessions, live stream, and the built pages."""
