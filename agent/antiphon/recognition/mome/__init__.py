"""MoME: one set of weights that hears at many compression rates."""
