"""Where a face is: detection, alignment, and the portrait that is cropped and pasted."""
