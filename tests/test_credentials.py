"""Content Credentials, with certificates made here; nothing is asked over a network."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from moodganimation.errors import Unwritable
from moodganimation.media.images import write_image
from moodganimation.media.metadata import read_recipe_text
from moodganimation.media.provenance import CERTIFICATE_VARIABLE, DIGITAL_SOURCE_TYPE, KEY_VARIABLE
from moodganimation.media.video_reader import open_film
from moodganimation.media.video_writer import write_animation, write_film

PICTURE = np.full((64, 64, 3), 90, np.uint8)
EXTENSIONS = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=emailProtection
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """A certificate of an authority of our own."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "end.cnf").write_text(EXTENSIONS)
    for command in (
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out root.key",
        "req -x509 -new -key root.key -days 2 -subj /O=Test/CN=Root -addext "
        "keyUsage=critical,keyCertSign -out root.pem",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out end.key",
        "req -new -key end.key -subj /O=Test/CN=Signer -out end.csr",
        "x509 -req -in end.csr -CA root.pem -CAkey root.key -CAcreateserial -days 1 -extfile "
        "end.cnf -out end.pem",
    ):
        subprocess.run(["openssl", *command.split()], check=True, capture_output=True)
    chain = (tmp_path / "end.pem").read_text() + (tmp_path / "root.pem").read_text()
    (tmp_path / "chain.pem").write_text(chain)
    monkeypatch.setenv(CERTIFICATE_VARIABLE, str(tmp_path / "chain.pem"))
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "end.key"))
    return pytest.importorskip("c2pa", reason="no c2pa-python: pip install c2pa-python")


@pytest.mark.parametrize("name", ["a.png", "b.jpg", "c.webp", "d.gif", "e.mp4", "f.webp", "g.mp4"])
def test_what_is_edited_is_signed_and_keeps_its_recipe(certified, name, tmp_path):
    path = tmp_path / name
    if name < "d":
        write_image(path, PICTURE, recipe='{"a": 1}')
    elif name == "g.mp4":
        film = open_film(write_animation(tmp_path / "film.mp4", [PICTURE] * 3, 10, "plain"))
        write_film(path, [PICTURE] * 3, film, recipe='{"a": 1}')
    else:
        write_animation(path, [PICTURE, PICTURE // 2], 10, recipe='{"a": 1}')
    with certified.Reader(str(path)) as reader:
        told = json.loads(reader.json())
        assert reader.get_validation_state() == "Valid"
    said = json.dumps(told["manifests"][told["active_manifest"]])
    assert DIGITAL_SOURCE_TYPE in said and "Test" in said
    assert read_recipe_text(path) == '{"a": 1}'
    assert not list(tmp_path.glob(".*part*"))


def test_what_was_not_edited_is_not_signed(certified, tmp_path):
    write_image(tmp_path / "a.png", PICTURE, "A filmed face")
    with pytest.raises(certified.C2paError):
        certified.Reader(str(tmp_path / "a.png"))


def test_what_cannot_be_signed_is_not_written(certified, tmp_path, monkeypatch):
    (tmp_path / "bad.pem").write_text("no key")
    for variable, value, why in (
        (KEY_VARIABLE, str(tmp_path / "bad.pem"), "cannot be signed"),
        (KEY_VARIABLE, str(tmp_path / "none.pem"), r"cannot be signed \(No such file"),
        (KEY_VARIABLE, "", "set both"),
    ):
        monkeypatch.setenv(variable, value)
        for write in (
            lambda: write_image(tmp_path / "a.png", PICTURE),
            lambda: write_animation(tmp_path / "a.mp4", [PICTURE] * 2, 10),
        ):
            with pytest.raises(Unwritable, match=why) as told:
                write()
            assert ".pem" not in str(told.value)
    assert not list(tmp_path.glob("*a.*"))
