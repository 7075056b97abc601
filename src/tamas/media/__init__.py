"""Sound in and out, and the pages of faxes. Imports nothing of ours but the base of errors."""
