"""How the language model writes what is heard."""
