"""What clients send: uploads, whole or in parts, and files that both sides see."""
