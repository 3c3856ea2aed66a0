"""What can go wrong because of what a person gave us; every message says what to do about it."""

from .messages import Message


class Problem(ValueError):
    """Anything a person can mend; the command line and the page show its sentence.

    NoFaceFound("There is no face in {}.", path): the English template is the id of the message, as
    in gettext, and the parameters fill its slots; see `messages.Message`.
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
