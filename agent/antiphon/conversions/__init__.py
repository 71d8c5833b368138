"""From the formats pretrained weights are published in to Hugging Face folders; done once."""
