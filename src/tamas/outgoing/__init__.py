"""Going out to programs we do not know: which addresses, over which connections, when to try again."""
