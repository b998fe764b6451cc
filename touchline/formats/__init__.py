"""Event, label, prediction and reel files: one file per format, all of them in ``FORMATS``."""
