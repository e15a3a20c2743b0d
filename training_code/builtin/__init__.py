"""How the models of the built-in algorithms are judged."""
