"""Where the clips of a training run come from: video, or files of features."""
