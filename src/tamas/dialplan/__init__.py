"""What happens to a call: who rings, who is recorded, what the caller gets when nobody answers."""
