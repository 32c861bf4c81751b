"""The folder of a demo and the ports; both servers themselves are started in tests/end_to_end."""

import signal
import socket
import stat

import pytest

from model.errors import SettingsError
from plugins.labelstudio.side_by_side import HOST, Folder, Pair, _free_port
from tests.end_to_end.labelstudio.server import free_port


def test_a_folder_keeps_its_login_to_itself(tmp_path):
    with Folder.open(tmp_path / "new" / "data") as folder:
        first = folder.login
    with Folder.open(tmp_path / "new" / "data") as folder, Folder.open(tmp_path / "other") as other:
        assert folder.login == first
        assert {first.password, first.token}.isdisjoint({other.login.password, other.login.token})
        assert stat.S_IMODE((folder.path / "login.json").stat().st_mode) == 0o600


def test_two_demos_do_not_share_a_folder(tmp_path):
    with Folder.open(tmp_path), pytest.raises(SettingsError, match="but a demo is running"):
        Folder.open(tmp_path).__enter__()
    with Folder.open(tmp_path):
        pass


def test_a_login_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "login.json").write_text("{")
    with pytest.raises(SettingsError, match="expected user, password and token"):
        Folder.open(tmp_path).__enter__()


def test_a_port_that_is_taken_is_passed_over():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        taken = listener.getsockname()[1]
        found = _free_port(taken)
        assert taken < found
        assert _free_port(found, taken=found) > found


def test_a_server_that_ends_is_named_with_its_last_words(tmp_path):
    program = tmp_path / "label-studio"
    program.write_text("#!/bin/sh\necho some trouble; exit 3\n")
    program.chmod(0o700)
    handler = signal.getsignal(signal.SIGINT)  # ignored where the tests run in the background
    with Folder.open(tmp_path / "data") as folder:
        pair = Pair(program, ["sh", "-c", "sleep 600"], folder, free_port(), free_port())
        with pytest.raises(SettingsError, match="it ended with status 3: some trouble"), pair:
            pair.start()
    assert signal.getsignal(signal.SIGINT) is handler
