"""File formats of pictures, by the ending of a file's name."""

# Formats that Pillow may decode; HEIF is decoded elsewhere.
PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "TIFF", "GIF", "PPM")
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
READABLE_ENDINGS = {  # of the files that are looked for in folders
    *WRITABLE_FORMATS,
    *(".mpo", ".heic", ".heif", ".hif", ".avif", ".bmp", ".gif", ".ppm", ".pgm"),
}
FORMATS_16BIT = ("PNG", "TIFF")  # can hold 16 bits per channel
ENDINGS_WITHOUT_ALPHA = (".jpg", ".jpeg", ".jpe", ".jfif", ".mp4")
MIME_TYPES = {  # ending -> type, of pictures and animations that can be signed
    **{ending: f"image/{format.lower()}" for ending, format in WRITABLE_FORMATS.items()},
    ".gif": "image/gif",
    ".mp4": "video/mp4",
}
