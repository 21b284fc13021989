"""What a killed training leaves is removed by the next; what a running one builds is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from matinee.models.artifacts.building import building

KILLED = """
import os, signal, sys
from pathlib import Path
from matinee.models.artifacts.building import building

with building(Path(sys.argv[1])) as draft:
    (draft / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_was_building_is_removed_by_the_next(tmp_path: Path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "ease-1")], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    (tmp_path / ".keep").mkdir()
    (tmp_path / ".keep" / "mine").touch()
    with building(tmp_path / "ease-2") as draft:
        (draft / "whole").touch()
        draft.rename(tmp_path / "ease-2")
    assert sorted(place.name for place in tmp_path.iterdir()) == [".keep", "ease-2"]


def test_what_is_being_built_is_left_alone(tmp_path: Path):
    with building(tmp_path / "a") as one:
        (one / "half").touch()
        with building(tmp_path / "b") as other:
            assert one.is_dir()
            assert other.is_dir()
        with pytest.raises(OSError, match="full"), building(tmp_path / "c"):
            raise OSError("the disk is full")
        assert one.is_dir()
        assert len(list(tmp_path.iterdir())) == 2
