"""What both ends of MQTT share: topics, messages, packets and the line to the broker."""
