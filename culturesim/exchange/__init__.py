"""Doors in and out: questionnaires from and to the formats that others keep them in, one module per format.

What comes in is an ``Imported``: definitions that have no folder yet, and what was odd about their source. ``shelf``
puts them into a folder of the user's own.
"""
