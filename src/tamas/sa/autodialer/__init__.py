"""``/autodialer/*``: campaigns, what they are made of, and what came of them."""
