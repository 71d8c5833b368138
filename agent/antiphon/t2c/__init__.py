"""Text to codec: trigger, denoising adapter, pronouncer, voice and unit-language LM."""
