"""The commands of ``tamas``, one module per noun."""
