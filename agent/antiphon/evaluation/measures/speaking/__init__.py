"""How well it speaks."""
