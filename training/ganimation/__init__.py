"""The six systems of MoodGANimation: experiments, critics, losses and training."""
