"""File formats of pictures, by the ending of a file's name."""

PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "TIFF", "GIF", "PPM")  # that may be decoded
WRITABLE_FORMATS = {  # ending -> format, as Pillow calls it
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
READABLE_ENDINGS = {  # folders are searched for files with these endings
    *WRITABLE_FORMATS,
    *(".mpo", ".heic", ".heif", ".hif", ".avif", ".bmp", ".gif", ".ppm", ".pgm"),
}
FORMATS_16BIT = ("PNG", "TIFF")  # that can hold 16 bits a channel
ENDINGS_WITHOUT_ALPHA = (".jpg", ".jpeg", ".jpe", ".jfif", ".mp4")
MIME_TYPES = {  # of pictures and animations that can be written
    **{ending: f"image/{format.lower()}" for ending, format in WRITABLE_FORMATS.items()},
    ".gif": "image/gif",
    ".mp4": "video/mp4",
}
