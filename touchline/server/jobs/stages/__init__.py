"""The stages of jobs, one file each: what runs in a child process under resource limits."""
