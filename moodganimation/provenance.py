"""That a file was edited: said to programs, in XMP with IPTC's Digital Source Type, and, where it
is wanted, to people, in a corner of the picture."""

import cv2
import numpy as np

EDITED = "Facial expression edited with MoodGANimation"
SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
LABEL = "edited with MoodGANimation"


def xmp(description: str) -> bytes | None:
    """For what was edited; None for anything else."""
    if description != EDITED:
        return None
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{SOURCE}" xmp:CreatorTool="MoodGANimation">'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{EDITED}</rdf:li></rdf:Alt>'
        "</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()


def labelled(picture: np.ndarray) -> np.ndarray:
    """The picture (H, W, 3) uint8 with LABEL in its lower right corner, the rest as it was."""
    picture, font = np.ascontiguousarray(picture).copy(), cv2.FONT_HERSHEY_SIMPLEX
    height, width = picture.shape[:2]
    most = cv2.getTextSize(LABEL, font, 1, 1)[0][0]
    scale = min(max(0.4, min(height, width) / 1200), 0.95 * width / most)
    thickness = max(1, round(scale))
    (length, _), below = cv2.getTextSize(LABEL, font, scale, thickness)
    at = max(0, width - length - below), height - below - thickness
    for color, more in ((0, 2), (255, 0)):  # light letters with a dark rim, for any ground
        line = thickness + more * thickness
        cv2.putText(picture, LABEL, at, font, scale, (color,) * 3, line, cv2.LINE_AA)
    return picture
