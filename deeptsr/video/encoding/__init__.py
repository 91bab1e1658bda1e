"""How an output is encoded, settled before any costly work."""
