"""From the formats weights are published in to Hugging Face folders. Knows nothing else."""
