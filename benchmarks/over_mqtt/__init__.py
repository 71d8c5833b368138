"""What `benchmarks/mqtt.py` is made of."""
