"""``/voicemails/*``: mailboxes and the messages in them."""
