"""A language model beside the sentence encoder, asked where the encoder is in doubt."""
