"""The part of the packaging that pyproject.toml cannot express: data from outside the package.

A checkout has the weights and the page's assets in folders of their own at the top level. A wheel
has them inside the package, where `moodganimation.resources` finds them.
"""

from setuptools import find_packages, setup

DATA = {
    "moodganimation.data.checkpoints": "checkpoints",
    "moodganimation.data.assets": "assets",
}

setup(
    packages=[*find_packages(include=["moodganimation*", "training*"]), *DATA],
    package_dir=DATA,
)
