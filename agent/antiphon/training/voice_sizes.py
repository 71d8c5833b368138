"""How much each job of a voice takes: what the committed one took, by default."""

SENTENCES = 6500
CODEC_STEPS = 1400
UNIT_WORDS = 8192
PRONOUNCER_STEPS = 1750
T2C_STEPS = 1300
