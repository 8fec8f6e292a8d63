"""Devices that speak MQTT, by a broker that is there already: the extra `mqtt`.

aiomqtt (and paho-mqtt below it) live in this package alone.
"""
