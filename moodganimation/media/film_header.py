"""Read the header of a film with ffmpeg, and choose the filters that convert its frames to RGB.

| header | filters |
|---|---|
| interlaced | deinterlaced by bwdif |
| alpha | composited over BACKGROUND |
| HLG or PQ (BT.2100) | tone-mapped: light above KNEE * SDR_WHITE is compressed, PEAK is white |
| primaries of BT.2020 or P3 | converted to those of BT.709 |
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..errors import Message, UnreadableFile
from ..files.regular import check_regular_file
from . import ffmpeg
from .formats import PILLOW_FORMATS
from .opening import open_lazily

TIMEOUT = 60  # for reading a header [s]
BACKGROUND = "white"  # behind transparent films, as behind photos
# ffmpeg's name -> name in messages, of transfer functions and of primaries.
HDR = {"arib-std-b67": "HLG", "smpte2084": "PQ"}
WIDE_GAMUT = {"bt2020": "BT.2020", "smpte431": "DCI-P3", "smpte432": "Display P3"}
SDR_WHITE = 203  # HDR reference white (ITU-R BT.2408) [cd/m2]
# Nominal peak of HLG and of most PQ films, 1000 cd/m2, over SDR_WHITE; brighter light is clipped.
PEAK = 1000 / SDR_WHITE
KNEE = 0.8  # tone mapping leaves light up to this share of SDR_WHITE unchanged
# Players assume BT.709 for films of this height or more without a color space, else BT.601 [px].
HD_HEIGHT = 720
# Beginnings of ffmpeg's names of the field order of an interlaced stream.
FIELD_ORDERS = ("top first", "bottom first", "top coded first", "bottom coded first")
ALPHA_FORMATS = re.compile(r"rgba|argb|bgra|abgr|yuva|gbrap|ya\d|pal8|ayuv|vuya")
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # ffmpeg's own decoders drop alpha
# A line of ffmpeg's text is, for example, without the line break:
#   Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709, progressive),
#   1280x720 [SAR 1:1 DAR 16:9], 1205 kb/s, 29.97 fps, 29.97 tbr, 30k tbn (default)
_STREAM = re.compile(r"^ *Stream #0:\d+.*?: (Video|Audio): (.*)$", re.MULTILINE)
# Pixel format, words about its colors, width, height.
_PIXELS = re.compile(r", (\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?, (\d{1,5})x(\d{1,5})\b")
_ALPHA_MODE = re.compile(r"^ *alpha_mode *: 1$", re.MULTILINE)  # WebM has alpha in another stream


@dataclass(frozen=True)
class Header:
    """The header's data of a film's first video stream and of its audio streams.

    Names are those of ffmpeg. What the header lacks is an empty name or the number 0.
    """

    pixel_format: str  # for instance "yuv420p"
    width: int  # as coded [px]
    height: int
    color_range: str  # "tv" or "pc"
    color_space: tuple[str, str, str]  # matrix, primaries, transfer; for instance "bt709"
    interlaced: bool
    average_fps: float
    base_fps: float  # ffmpeg's tbr: its guess of the lowest rate that all time stamps fit
    seconds: float | None  # of the longest stream; None: unknown
    audio_codecs: tuple[str, ...]  # of the audio streams, in order
    decoder: str = ""  # for the video stream; "": ffmpeg's choice

    @property
    def color_matrix(self) -> str:
        """ffmpeg's name of the YUV matrix, or "auto" to take each frame's own.

        Without a color space in the header, the height decides, as in players.
        """
        if any(self.color_space):
            return "auto"
        return "bt709" if self.height >= HD_HEIGHT else "bt601"

    def deinterlace_filters(self) -> list[str]:
        """Filters that combine fields to frames; their input must be all frames, in order."""
        return ["bwdif=mode=send_frame:deint=interlaced"] if self.interlaced else []

    def color_filters(self, size: str) -> list[str]:
        """Filters that scale frames and convert them to opaque RGB of 8 bits in BT.709's primaries.

        size: options of ffmpeg's filter `scale`.
        """
        filters = [f"scale={size}:in_color_matrix={self.color_matrix}"]
        if self._has_alpha:
            # A copy of the film is painted over by BACKGROUND, and the film is laid on top of it.
            background = f"drawbox=c={BACKGROUND}:t=fill:replace=1[background]"
            overlay = f"[copy]{background};[background][film]overlay=format=auto"
            return [*filters, f"format=rgba,split[film][copy];{overlay}", "format=rgb24"]
        if not (self._is_hdr or self._is_wide_gamut):
            return [*filters, "format=rgb24"]
        matrix, primaries, transfer = self.color_space
        format_12bit = "gbrp12le" if matrix == "gbr" else "yuv444p12le"
        matrix, primaries = matrix or "bt2020nc", primaries or "bt2020"
        source = f"zscale=min={matrix}:pin={primaries}:rin={self.color_range or 'tv'}"
        if self._is_hdr:
            filters += [
                f"format={format_12bit}",
                f"{source}:tin={transfer}:t=linear:npl={SDR_WHITE}",
                "format=gbrpf32le",
                "zscale=p=bt709",
                f"tonemap=mobius:param={KNEE}:peak={PEAK:.3f}:desat=0",
                "zscale=t=iec61966-2-1:r=pc",
            ]
        else:
            # Only the primaries are converted. The transfer of the input is taken as BT.709,
            # whatever the header says, and the values count as sRGB without conversion.
            filters += [
                f"format={format_12bit}",
                f"{source}:tin=bt709:t=bt709:p=bt709:m=gbr:r=pc",
            ]
        return [*filters, "format=gbrp", "format=rgb24"]

    def notes(self) -> list[Message]:
        """Sentences about what these filters change."""
        notes = []
        if self.interlaced:
            notes.append(
                Message("The video is interlaced: its fields are combined to whole frames.")
            )
        if self._is_hdr:
            name = HDR[self.color_space[2]]
            notes.append(
                Message("The HDR colors of the video ({}) are tone-mapped to BT.709.", name)
            )
        elif self._is_wide_gamut:
            name = WIDE_GAMUT[self.color_space[1]]
            notes.append(
                Message("The wide-gamut colors of the video ({}) are converted to BT.709.", name)
            )
        if self._has_alpha:
            notes.append(Message("Transparent parts of the video are shown white."))
        return notes

    @property
    def _is_hdr(self) -> bool:
        return self.color_space[2] in HDR

    @property
    def _is_wide_gamut(self) -> bool:
        return self.color_space[1] in WIDE_GAMUT

    @property
    def _has_alpha(self) -> bool:
        """Whether frames are laid over BACKGROUND; HDR and wide-gamut films count as opaque."""
        has_alpha = ALPHA_FORMATS.match(self.pixel_format) is not None
        return has_alpha and not (self._is_hdr or self._is_wide_gamut)


def read_header(path: str | Path) -> Header:
    """Read the header of a film. Raises UnreadableFile."""
    text = header_text(path)
    streams = _STREAM.findall(text)
    videos = [line for kind, line in streams if kind == "Video" and "(attached pic)" not in line]
    if not videos:
        raise UnreadableFile("{} has no video track that can be read; choose another file.", path)
    duration = re.search(r"^ *Duration: (\d+):(\d\d):(\d\d\.\d+)", text, re.MULTILINE)
    seconds = None
    if duration:
        seconds = 3600 * int(duration[1]) + 60 * int(duration[2]) + float(duration[3])
    codec, pixels = _codec_name(videos[0]), _PIXELS.search(videos[0])
    pixel_format, words, width, height = pixels.groups() if pixels else ("", "", 0, 0)
    decoder = ""
    if codec in ALPHA_DECODERS and _ALPHA_MODE.search(text):
        # ffmpeg's text describes the stream without alpha; `decoder` outputs this format.
        decoder, pixel_format = ALPHA_DECODERS[codec], "yuva420p"
    words = [word.strip() for word in (words or "").split(",")]
    return Header(
        pixel_format=pixel_format,
        width=int(width),
        height=int(height),
        color_range=next((word for word in words if word in ("tv", "pc")), ""),
        color_space=_color_space(words),
        # ffmpeg's text names no field order for DV, whose fields are always interlaced.
        interlaced=codec == "dvvideo" or any(word.startswith(FIELD_ORDERS) for word in words),
        average_fps=_number_before(videos[0], "fps"),
        base_fps=_number_before(videos[0], "tbr"),
        seconds=seconds,
        audio_codecs=tuple(_codec_name(line) for kind, line in streams if kind == "Audio"),
        decoder=decoder,
    )


def header_text(path: str | Path) -> str:
    """The text that ffmpeg prints about a file when it opens it. Raises UnreadableFile."""
    check_exists(path)
    process = ffmpeg.start("-v", "info", *ffmpeg.input_arguments(path), stderr=subprocess.PIPE)
    try:
        text = process.communicate(timeout=TIMEOUT)[1].decode(errors="replace")
    except subprocess.TimeoutExpired:
        raise UnreadableFile(not_a_film_message(path)) from None
    finally:
        ffmpeg.stop(process)
    if not text.startswith("Input #0") and "\nInput #0" not in text:
        raise UnreadableFile(not_a_film_message(path))
    return text


def check_exists(path: str | Path) -> None:
    """Raise UnreadableFile unless `path` is a regular file."""
    check_regular_file(path, UnreadableFile, "choose a video in it")
    if not Path(path).is_file():
        raise UnreadableFile("There is no video {}.", path)


def not_a_film_message(path: str | Path) -> Message:
    """A sentence on why a file is no film: it is a still picture, or no readable file at all."""
    try:
        with open_lazily(path, PILLOW_FORMATS):
            return Message("{} is a single picture, not a video: open it as a photo.", path)
    except Exception:  # Pillow can raise anything for what is no picture
        return Message(
            "{} is not a video that can be read ({}); it may be damaged or another kind of file.",
            path,
            ", ".join(ffmpeg.CONTAINERS),
        )


def _codec_name(stream: str) -> str:
    """The first word of a stream's line."""
    return re.match(r"\w*", stream)[0]


def _color_space(words: list[str]) -> tuple[str, str, str]:
    """Matrix, primaries and transfer from a stream's words about its colors.

    ffmpeg prints one name if all three are the same.
    """
    for word in words:
        names = word.split("/")
        if len(names) == 3 or re.match(r"bt|smpte|fcc|gbr|arib|ycgco|film|ictcp", word):
            names = [name if name not in ("unknown", "reserved") else "" for name in names]
            return tuple(names) if len(names) == 3 else (names[0],) * 3
    return "", "", ""


def _number_before(stream: str, unit: str) -> float:
    """The number before a unit in a stream's line: "29.97 fps", "1k tbr"; 0 if it is missing."""
    found = re.search(rf", ([\d.]+)(k?) {unit}\b", stream)
    return float(found[1]) * (1000 if found[2] else 1) if found else 0.0
