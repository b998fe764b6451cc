"""Video and sound in and out, by PyAV; the only place that opens a media file."""
