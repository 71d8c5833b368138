"""One conversation in real time, recorded and replayed. Knows all of `runtime`."""
