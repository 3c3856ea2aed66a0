"""Errors that a user can cause, each with a translatable message.

A message says what happened and, where possible, what to do about it.
"""

from collections.abc import Iterable


class Message(str):
    """An English sentence that keeps its template and parameters, for translation.

    The template is the message id, as in gettext. Each {} in it stands for one parameter. Without
    parameters, the template is used as it is, braces included. Parameters that are a Message are
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


def listing(names: Iterable[str]) -> Message:
    """Join names with commas into a message in which each is translated by itself."""
    names = [Message(name) for name in names]
    return Message(", ".join(["{}"] * len(names)), *names)


def shown(value: object) -> str:
    """Return the repr of a value for a message, cut after 40 characters."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


class Problem(ValueError):
    """The base of errors that a user can correct; the command line and the page show its message.

    Cancelled, which is no error, is shown in the same way.

    NoFaceFound("There is no face in {}.", path): a template and its parameters, see `Message`.
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
    """An unknown axis, preset or space, or a value that is not a number in the axis's range.

    Also a wrong argument of an animation of expressions: its frames, easing or named timeline.
    """


class InvalidValue(Problem):
    """A JSON value or an argument that is missing, unknown, of a wrong type or out of range."""


class InvalidTimeline(Problem):
    """Keyframes that overlap, none at all, or too many frames."""


class NotARecipe(Problem):
    """A file or a link whose recipe is missing, damaged or of a newer version."""


class UnreadableImage(Problem):
    """A file or an array that is not a supported photo."""


class UnreadableFile(Problem):
    """A file, other than a photo, that cannot be read: a table, a timeline, a video ..."""


class NoFaceFound(Problem):
    """No face found in a photo, or a box that is too small for one."""


class NotACheckpoint(Problem):
    """A file that is not a supported checkpoint, or a damaged one."""


class Unwritable(Problem):
    """A picture or an animation that cannot be written in the requested way."""


class DeviceMissing(Problem):
    """A requested device that this machine does not have."""


class Cancelled(Problem):
    """Raise this from a progress callback to stop the work; then no output file is written."""
