"""Echo cancellation and its measurement. Knows clock, frames and the devices of `audio`."""
