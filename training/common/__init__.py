"""What the trainers share: resumable runs, averaged weights, health checks and precision; and
training of the aligner and of the inspector."""
