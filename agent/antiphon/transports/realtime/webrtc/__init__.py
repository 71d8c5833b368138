"""The Realtime API over WebRTC: sound by tracks, events over a data channel. Needs aiortc."""
