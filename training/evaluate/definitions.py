"""What every figure means, in words for those who read the page and the JSON."""

from . import measures as m
from .recognizer import SAME

DEFINITIONS = {
    "follow": (
        f"Spearman's rank correlation of the {m.LEVELS} levels asked for and the axis's estimate, "
        "mean over photos and axes. A response that varies by less than "
        f"{m.FLAT:g} of the axis's range is flat and counts 0."
    ),
    "moved": (
        "Share of photos and axes whose estimate is higher at the highest level than at the lowest "
        f"by more than noise: {m.MOVED:g} of the axis's range, or, if larger, the root mean square "
        "change of that axis in this run when photos are shifted by one pixel (repeatability)."
    ),
    "straightness": (
        "R squared of a straight line through the estimates of the five levels, mean; 0 where the "
        "response is flat or falls."
    ),
    "gain": (
        "Mean change of the estimate over the change asked for. The estimator falls short of "
        "extremes, so that 1 is not to be expected."
    ),
    "leakage": (
        "Mean absolute change of the other axes over the change of the own one, from the lowest "
        "level to the highest; over all axes both are summed before dividing. None where the own "
        "change is flat or falls."
    ),
    "leakage by spread": (
        "The same with every axis in units of its standard deviation over the unedited photos, so "
        "that axes that the estimator hardly moves count like the others."
    ),
    "edited share [%]": (
        f"Share of the face's pixels whose mean change over the channels exceeds {m.VISIBLE:g} on "
        "[-1, 1] (8 of 255), at the highest level. The face is an ellipse in the canonical crop."
    ),
    "sharpness": (
        "Mean gradient magnitude of the result over the photo's, within the edited pixels, at the "
        "highest level. Below 1: softer than the photo. Opened mouths add edges."
    ),
    "likeness": (
        "Structural similarity (Wang et al. 2004) to the photo on the face outside the edited "
        "pixels, at the highest level. It tells whether what is not edited is left alone; it is "
        "not the identity of a face-recognition network."
    ),
    "same person": (
        "Cosine of the given recognizer's features of photo and result, at the highest level. "
        f"Above {SAME:g} OpenCV's documentation of SFace calls two faces the same person."
    ),
    "estimator's r": (
        "Correlation of the estimator's values with the labels of the unedited photos, where the "
        "data have labels: how far it is to be believed."
    ),
    "mood concordance": (
        "Concordance correlation coefficient (Lin 1989) of random moods asked for, uniform in the "
        "space, and estimated in the results. The estimator falls short of extremes, which lowers "
        "it and leaves the correlation beside it alone. Ceiling: the same with the moods that the "
        "mapping to Action Units and back can show at all. Dominance is a definition, never "
        "validated."
    ),
    "KID-like distance": (
        "Squared maximum mean discrepancy with the kernel of Binkowski et al. 2018, times 1000, "
        "of one random edit a photo to other photos. The features are the estimator's, averaged "
        "over places, not Inception's: KID-like, not KID, comparable only with itself. Between few "
        "pictures it scatters, and for equal distributions it is as often below 0 as above: added "
        "is what remains after taking off the same photos unedited."
    ),
    "restlessness": (
        "Mean absolute second difference of frames over the mean absolute first one. Even motion "
        "is near the cross-dissolve; independent noise is near 1.7."
    ),
    "background change": (
        "Mean absolute change from frame to frame where nothing is edited, in grey levels of 255."
    ),
    "not finite": "Edits with a value that is no number or infinite, of all edits made.",
}
