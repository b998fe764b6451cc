"""Who may do what: passwords, sessions, tokens, share links, rates, audit."""
