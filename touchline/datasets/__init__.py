"""Datasets on disk, and the clips, targets and augmentation for training."""
