"""Errors that a person can cause, each with a message id and its parameters, for translation.

Every message says what happened and what to do about it.
"""

from collections.abc import Iterable


class Message(str):
    """A sentence in English that knows the template it was made of.

    The template is the message's id, as in gettext: what translations are looked up by. Each {} in
    it stands for one parameter; a template without parameters is taken as it is, braces included.
    A parameter that is a Message is translated, too.
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
    """Names separated by commas, each to be translated by itself."""
    names = [Message(name) for name in names]
    return Message(", ".join(["{}"] * len(names)), *names)


def shown(value: object) -> str:
    """A value in a sentence."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


class Problem(ValueError):
    """Anything a person can mend; the command line and the page show its sentence.

    NoFaceFound("There is no face in {}.", path): the English template is the id of the message, as
    in gettext, and the parameters fill its slots; see `Message`.
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
    """An unknown axis, a number that is not one, or one out of range."""


class InvalidValue(Problem):
    """A value of a timeline or a recipe that is missing, unknown, no such thing or out of range."""


class InvalidTimeline(Problem):
    """Keyframes that cannot follow each other as asked, or too many frames of them."""


class NotARecipe(Problem):
    """A file or a link without a recipe, or with one that is damaged or not for this version."""


class UnreadableImage(Problem):
    """A file or array that is no photo we can take."""


class UnreadableFile(Problem):
    """A trajectory, a table of annotations or a video that cannot be read as one."""


class NoFaceFound(Problem):
    """Nobody to be seen in a photo, or a box that cannot hold a face."""


class NotACheckpoint(Problem):
    """A file that is no checkpoint of ours, or a damaged one."""


class Unwritable(Problem):
    """A picture or an animation that cannot be written as asked."""


class DeviceMissing(Problem):
    """A device that this machine does not have."""


class Cancelled(Problem):
    """Raised by those who watch the progress of a long work, to end it; nothing is written then."""
