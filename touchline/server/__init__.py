"""The match room: uploads, durable jobs, an HTTP API and access, for one person or a newsroom."""
