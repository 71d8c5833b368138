"""What goes over the wire: events, the session, items, formats of sound, and what is wrong."""
