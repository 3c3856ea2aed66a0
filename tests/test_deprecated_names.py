"""Names that changed still work and warn."""

import importlib
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import moodganimation
from moodganimation.animation.trajectories import Trajectory
from moodganimation.checkpoints.files import Checkpoint
from moodganimation.expressions.spaces import ACTION_UNITS, PAD, Expression
from moodganimation.manipulation.drags import ExpressionChange
from moodganimation.media.images import Photo
from moodganimation.video.reenactment import Performance


@pytest.mark.parametrize(
    "old, new",
    [
        ("added", "offset_by"),
        ("perform", "capture_performance"),
        ("retake", "edit_video"),
        ("towards", "blend_to"),
    ],
)
def test_deprecated_function_is_its_successor(old, new):
    with pytest.warns(DeprecationWarning, match=f"now moodganimation.{new}"):
        assert getattr(moodganimation, old) is getattr(moodganimation, new)
    assert old not in moodganimation.__all__


def test_deprecated_module_has_the_names_of_its_successor():
    sys.modules.pop("moodganimation.finders", None)
    with pytest.warns(DeprecationWarning, match=r"moodganimation\.faces\.detection"):
        old = importlib.import_module("moodganimation.finders")
    new = importlib.import_module("moodganimation.faces.detection")
    assert old.LandmarkFinder is new.LandmarkFinder
    assert old.face_alignment_landmarker is new.face_alignment_landmarker


def test_played_by_is_retarget():
    units = np.random.default_rng(0).uniform(0, 1, (6, 17)).astype(np.float32)
    performance = Performance(25.0, units, np.ones(6, bool), [])
    start = Expression.of(ACTION_UNITS, AU12=0.3)
    with pytest.warns(DeprecationWarning, match="now retarget"):
        expressions = list(performance.played_by(start, strength=0.5))
    assert expressions == list(performance.retarget(start, strength=0.5))


def test_deprecated_parameter_is_its_successor():
    changes = [{"AU12": 0.1}, {"AU12": 0.2}]
    with pytest.warns(DeprecationWarning, match="offset_by: again is now repeat"):
        target = moodganimation.offset_by(changes, fps=1, again=True)
    neutral = Expression.neutral(ACTION_UNITS)
    assert target(2.0, neutral)["AU12"] == pytest.approx(0.1)
    with pytest.raises(TypeError, match="again is the former name of repeat; give one of them"):
        moodganimation.offset_by(changes, fps=1, again=True, repeat=False)


def test_deprecated_axes_of_a_trajectory_are_its_headerless_space(tmp_path):
    np.save(tmp_path / "a.npy", [[0.1, 0.2, 0.3]])
    with pytest.warns(DeprecationWarning, match="read_trajectory: axes is now headerless_space"):
        trajectory = moodganimation.read_trajectory(tmp_path / "a.npy", ACTION_UNITS, axes=PAD)
    assert trajectory.expressions == [Expression(PAD, (0.1, 0.2, 0.3))]


def test_deprecated_names_of_expression_and_trajectory():
    neutral, smile = Expression.neutral(ACTION_UNITS), Expression.of(ACTION_UNITS, AU12=0.8)
    with pytest.warns(DeprecationWarning, match="towards is now blend_to"):
        assert neutral.towards(smile, 0.5) == neutral.blend_to(smile, 0.5)
    trajectory = Trajectory([neutral, smile], [0, 2], [])
    with pytest.warns(DeprecationWarning, match="points is now expressions"):
        assert trajectory.points is trajectory.expressions
    with pytest.warns(DeprecationWarning, match="frames is now frame_numbers"):
        assert trajectory.frames is trajectory.frame_numbers


def test_deprecated_names_of_an_expression_change_are_its_keys():
    change = ExpressionChange(Expression.neutral(ACTION_UNITS), (("AU12", -0.2),))
    with pytest.warns(DeprecationWarning, match="names is now keys"):
        assert change.names == change.keys == ("AU12",)


def test_deprecated_names_of_portrait_and_frame(animator, portrait):
    with pytest.warns(DeprecationWarning, match=r"now Portrait\.roll_degrees"):
        assert portrait.turned == portrait.roll_degrees
    frame = animator.edit(portrait, animator.start(portrait))
    photo = Photo(portrait.photo, portrait.photo)
    with pytest.warns(DeprecationWarning, match=r"now Frame\.render_for_file"):
        np.testing.assert_array_equal(frame.on(photo), frame.render_for_file(photo))


def test_deprecated_names_of_animator(animator):
    with pytest.warns(DeprecationWarning, match=r"now Animator\.checkpoint_path"):
        assert animator.checkpoint is animator.checkpoint_path
    parts = {"reader": animator.reader, "finder": None, "aligner": None, "device": animator.device}
    checkpoint = Checkpoint(animator.generator, animator.space, {})
    with pytest.warns(DeprecationWarning, match="path is now checkpoint_path"):
        other = moodganimation.Animator(checkpoint, **parts, path=Path("other.pth"))
    assert other.checkpoint_path == Path("other.pth")


def test_deprecated_preset_is_pretrain(capsys, monkeypatch):
    from training.__main__ import main

    printed = []
    for name in ("taught", "pretrain"):
        monkeypatch.setattr(sys, "argv", ["training", "mood", "--preset", name, "--dry-run"])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert main() == 0
        assert any("now --preset pretrain" in str(w.message) for w in caught) == (name == "taught")
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ""
