"""Where the stages meet: video -> Timeline -> Reel -> file."""
