"""Robots over MQTT: microphone, speaker and abilities there, the agent here.

`robot.py` and what it imports need neither torch nor a language model. docs/mqtt.md describes the
topics.
"""
