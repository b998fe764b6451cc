"""From a video and a network to events: windows, peaks, the spotter."""
