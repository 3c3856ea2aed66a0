"""Definitions of the figures in words, printed on the page and stored in evaluation.json."""

from . import measures
from .recognizer import SAME_PERSON_COSINE

DEFINITIONS = {
    "follow": (
        f"Spearman's rank correlation of the {measures.LEVEL_COUNT} requested levels and the "
        "axis's estimate, mean over photos and axes. A response that varies by less than "
        f"{measures.FLAT_RANGE:g} of the axis's range is flat and counts 0."
    ),
    "moved": (
        "Share of photos and axes whose estimate is higher at the highest level than at the lowest "
        f"by more than noise: {measures.NOISE_FLOOR:g} of the axis's range, or, if larger, the "
        "root mean square change of that axis in this run when photos are shifted by one pixel "
        "(repeatability)."
    ),
    "straightness": (
        "R squared of a straight line through the estimates of the five levels, mean; 0 where the "
        "response is flat or falls."
    ),
    "gain": (
        "Slope of the response: mean change of the estimate over the requested change. The "
        "estimator underestimates extremes, so 1 is not expected."
    ),
    "leakage": (
        "Mean absolute change of the other axes over the change of the requested one, from the "
        "lowest level to the highest; over all axes both are summed before dividing. None where "
        "the requested axis is flat or falls."
    ),
    "leakage by spread": (
        "Leakage with every axis in units of its standard deviation over the unedited photos, so "
        "that axes whose estimates vary little count like the others."
    ),
    "edited share [%]": (
        "Share of the face's pixels whose mean change over the channels exceeds "
        f"{measures.VISIBLE_CHANGE:g} on [-1, 1] (8 of 255), at the highest level. The face is an "
        "ellipse in the canonical crop."
    ),
    "sharpness": (
        "Mean gradient magnitude of the result over the photo's, within the edited pixels, at the "
        "highest level. Below 1: softer than the photo. Opened mouths add edges."
    ),
    "likeness": (
        "Structural similarity (Wang et al. 2004) to the photo on the face outside the edited "
        "pixels, at the highest level. It measures whether pixels outside the edit are preserved; "
        "it is not the identity of a face-recognition network."
    ),
    "same person": (
        "Cosine of the given recognizer's features of photo and result, at the highest level. "
        "From -1 to 1. OpenCV's documentation of SFace takes two faces for the same person above "
        f"{SAME_PERSON_COSINE:g}."
    ),
    "estimator's r": (
        "Correlation of the estimator's values with the labels of the unedited photos, where the "
        "data have labels: how accurate the estimator is."
    ),
    "mood concordance": (
        "Concordance correlation coefficient (Lin 1989) of requested moods, random and uniform in "
        "the space, and those estimated in the results. The estimator underestimates extremes, "
        "which lowers it but not the correlation beside it. Ceiling: the concordance of the "
        "requested moods with those that the mapping to Action Units and back reaches. The formula "
        "for dominance has not been validated against human ratings."
    ),
    "KID-like distance": (
        "Squared maximum mean discrepancy with the kernel of Binkowski et al. 2018, times 1000, "
        "of one random edit a photo to other photos. The features are the estimator's, averaged "
        "over positions, not Inception's: values are comparable with one another but not with KID. "
        "The variance is high for few pictures. For equal distributions, half of the values are "
        "negative. Added: the distance minus that of the same photos unedited."
    ),
    "restlessness": (
        "Mean absolute second difference of frames over the mean absolute first one. Even motion "
        "is near the cross-dissolve; independent noise is near 1.7."
    ),
    "background change": (
        "Mean absolute change from frame to frame where nothing is edited, in grey levels of 255."
    ),
    "not finite": "Number of edits with a value that is NaN or infinite.",
}
