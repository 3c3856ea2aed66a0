"""Errors that a user can cause, each with a translatable message.

A message says what happened and, where possible, what to do about it.
"""

from collections.abc import Iterable


class Message(str):
    """An English sentence that keeps its template and parameters, so that it can be translated.

    The template is the message id, as in gettext. Each {} in it stands for one parameter. Without
    parameters, the template is used as it is, braces included. Parameters of type Message are
    translated, too.
    """

    message_id: str
    parameters: tuple

    def __new__(cls, message_id: str, *parameters: object) -> "Message":
        if isinstance(message_id, Message) and not parameters:
            return message_id
        text = message_id.format(*parameters) if parameters else message_id
        message = super().__new__(cls, text)
        message.message_id, message.parameters = str(message_id), parameters
        return message

    def __getnewargs__(self) -> tuple:
        return self.message_id, *self.parameters


def join_names(names: Iterable[str]) -> Message:
    """Join names by commas into a message; each name is translated on its own."""
    names = [Message(name) for name in names]
    return Message(", ".join(["{}"] * len(names)), *names)


def short_repr(value: object) -> str:
    """Return the repr of a value for a message, cut after 40 characters; "..." marks the cut."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


class Problem(ValueError):
    """The base of errors that a user can correct; the command line and the page show its message.

    Arguments are a template and its parameters, see `Message`:
    NoFaceFound("There is no face in {}.", path). Its subclass Cancelled is no error, but its
    message is shown in the same way.
    """

    def __init__(self, message_id: str = "", *parameters: object):
        super().__init__(message_id, *parameters)  # pickle calls the class with these again
        self.message = Message(message_id, *parameters)

    def __str__(self) -> str:
        return str(self.message)

    @property
    def message_id(self) -> str:
        return self.message.message_id

    @property
    def parameters(self) -> tuple:
        return self.message.parameters


class InvalidExpression(Problem):
    """An expression that is malformed, unknown, out of range, contradictory or beyond the model.

    Also a table without the axes of a space, and a wrong argument of an animation or a video:
    number of frames or faces, easing, named timeline, format, strength, regions.
    """


class InvalidValue(Problem):
    """A JSON value or an argument that is missing, unknown, of a wrong type or out of range."""


class InvalidTimeline(Problem):
    """Keyframes that overlap, none at all, or too many frames."""


class NotARecipe(Problem):
    """A file or a link whose recipe is missing, damaged or of a newer version."""


class UnreadableImage(Problem):
    """A file, an array or a camera picture that is not a supported photo.

    Also a photo of another size than that in a recipe.
    """


class UnreadableFile(Problem):
    """A file, other than a photo, that cannot be read: a table, a timeline, a video ..."""


class NoFaceFound(Problem):
    """No face found in a photo, or a box that does not lie in the photo or is too small."""


class NotACheckpoint(Problem):
    """A file that is not a supported checkpoint, or weights that are missing or damaged."""


class Unwritable(Problem):
    """A file that cannot be written, or a picture or animation in a form that is not supported.

    Also a photo folder that is missing or without photos, and a signature that cannot be made.
    """


class DeviceMissing(Problem):
    """A requested device that this machine does not have or that cannot be used."""


class Cancelled(Problem):
    """Raise this from a progress callback to stop the work; then no output file is written."""
