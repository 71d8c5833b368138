"""Rhasspy's satellites (Hermes) as robots of the MQTT server."""
