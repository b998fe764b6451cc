"""What training and benchmarks read: games on disk, clips cut from video, augmentation."""
