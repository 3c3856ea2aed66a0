"""Sentences for people that can be translated: a template and the values of its slots."""

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
