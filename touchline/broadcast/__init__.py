"""What a broadcast says by itself: its score bug, sound, cuts, wipes and replays."""
