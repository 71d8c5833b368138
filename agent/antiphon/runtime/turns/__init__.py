"""When the user speaks, ends a turn or interrupts. Knows frames and the echo."""
