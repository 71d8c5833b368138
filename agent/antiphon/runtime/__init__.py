"""A conversation in real time: clock, devices, turns, echo, heard memory and events."""
