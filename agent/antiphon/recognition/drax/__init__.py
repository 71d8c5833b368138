"""Drax: recognition by discrete flow matching, from the formulae of arXiv 2510.04162."""
