"""Former names of parameters that still work."""

import functools
import warnings
from collections.abc import Callable


def renamed_parameters(**names: str) -> Callable:
    """Decorate a function whose parameters were renamed, {former name: name}.

    A call with a former name passes the value on under the new one, with a DeprecationWarning. A
    call with both names raises TypeError.
    """

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def call(*args, **kwargs):
            for former in names.keys() & kwargs.keys():
                if names[former] in kwargs:
                    raise TypeError(
                        f"{function.__qualname__}: {former} is the former name of "
                        f"{names[former]}; give one of them."
                    )
                message = f"{function.__qualname__}: {former} is now {names[former]}."
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                kwargs[names[former]] = kwargs.pop(former)
            return function(*args, **kwargs)

        return call

    return decorate
