"""Files, threads and processes: what every stage works with and none is about."""
