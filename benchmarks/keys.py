"""Keys of the results that the measurements write and `blocks` reads.

Some have the words of earlier versions, so that results of all versions can be compared. "Seed
generator" is the reference generator, see `inference`.
"""

BASELINE = "seed generator (width 64, float32)"
FASTER_THAN_BASELINE = "times faster than the seed's generator"
EAGER = "torch, eager float32"  # the backend of the reference code
PSNR_TO_EAGER = "dB (PSNR) between its composite and float32's"
