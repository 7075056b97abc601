"""Mailboxes: messages from the begin of their recording to their deletion, lights, mails, passwords."""
