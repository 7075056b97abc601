"""What dies, and what has to live on. A package, so that what its tests share ends with the last of them."""
