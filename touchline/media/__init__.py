"""Reading and writing video and audio with PyAV; the only place that opens media files."""
