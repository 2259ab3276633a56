"""Fetching from others: which addresses, how long, how much; what goes along and what does not."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.gisserver.outside_fake import Fake, mercator_box, picture_of, serving, shade
from tiles.guarded_fetch import FetchFailed, Limits, fetch, is_allowed_address
from tiles.outside_pictures import EMPTY, NoPicture, Piece, look_at, warped

NEVER = ("169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "::", "fe80::1", "ff02::1", "::ffff:169.254.169.254",
         "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fe80::1%eth0", "nonsense", "2001:db8::1")
OWN = ("127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
       "64:ff9b::7f00:1", "2002:7f00:1::1", "::127.0.0.1")
OPEN = ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    made = Fake()
    with serving(made):
        yield made


def reason(url: str, **more: Any) -> str:
    with pytest.raises(FetchFailed) as failed:
        fetch(url, **more)
    assert "127.0.0.1" not in str(failed.value)
    return failed.value.reason


@pytest.mark.parametrize(("addresses", "open_", "own"), [(NEVER, False, False), (OWN, False, True), (OPEN, True, True)])
def test_which_addresses_may_be_asked(addresses: tuple[str, ...], open_: bool, own: bool) -> None:
    assert {a: is_allowed_address(a) for a in addresses} == dict.fromkeys(addresses, open_)
    assert {a: is_allowed_address(a, True) for a in addresses} == dict.fromkeys(addresses, own)


def test_what_is_on_this_machine_is_asked_only_where_it_was_said(fake: Fake) -> None:
    before = len(fake.asked)
    assert reason(f"{fake.base}/legend.png") == "address"
    assert reason(f"{fake.base.replace('127.0.0.1', 'localhost')}/legend.png") == "address"
    assert len(fake.asked) == before
    answer = fetch(f"{fake.base}/legend.png", True)
    assert (answer.status, answer.kind, look_at(answer.body).height) == (200, "image/png", 30)
    # nothing of a reader goes along
    assert {name.lower() for name in fake.asked[-1][2]} == {"host", "accept", "accept-encoding", "user-agent", "via", "connection"}


def test_a_name_is_looked_up_once_and_all_its_addresses_count(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(fake.base.rpartition(":")[2])
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    looked: list[str] = []

    def look_up(name: str, *_: Any, **__: Any) -> list[Any]:
        looked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers[len(looked) - 1]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    # The second look-up would lead elsewhere; there is none, and the host is still called by its name.
    assert fetch(f"http://maps.example:{port}/legend.png", True).status == 200
    assert looked == ["maps.example"] and fake.asked[-1][2]["Host"] == f"maps.example:{port}"
    assert reason(f"http://maps.example:{port}/legend.png", is_private=True) == "address"
    answers += [["8.8.8.8", "127.0.0.1"]]
    assert reason(f"http://maps.example:{port}/") == "address"


def test_time_and_size_have_an_end(fake: Fake) -> None:
    begun = time.monotonic()
    assert reason(f"{fake.base}/slow", is_private=True, limits=Limits(total_s=0.4)) == "slow"
    assert time.monotonic() - begun < 1.5
    assert reason(f"{fake.base}/big/1/1/1", is_private=True, limits=Limits(most_bytes=100_000)) == "large"
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert reason(f"http://127.0.0.1:{nobody.getsockname()[1]}/", is_private=True) == "refused"


def test_a_packed_answer_is_unpacked_so_far_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    from tiles import guarded_fetch

    bomb = gzip.compress(b"0" * 5_000_000)
    assert guarded_fetch._unpacked(bomb, "gzip", 6_000_000) == b"0" * 5_000_000
    with pytest.raises(FetchFailed, match="more than"):
        guarded_fetch._unpacked(bomb, "gzip", 1_000_000)
    with pytest.raises(FetchFailed, match="not asked for"):
        guarded_fetch._unpacked(bomb, "br", 1_000_000)


def test_redirects_come_back_to_the_caller(fake: Fake) -> None:
    before = len(fake.asked)
    answer = fetch(f"{fake.base}/metadata", True)
    assert (answer.status, answer.headers["location"]) == (302, "http://169.254.169.254/latest/meta-data/") and len(fake.asked) == before + 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"RIFF0000AVI LIST", b"\xff\xd8\xff\xe0 nothing"])
def test_what_is_no_picture_is_none(body: bytes) -> None:
    with pytest.raises(NoPicture):
        look_at(body)


def test_pictures_are_brought_to_where_they_belong() -> None:
    # Four pieces in degrees round the middle of a tile of level 13; the independent way is to draw the tile at once.
    box = mercator_box(13, 6743, 3103)
    west, south, east, north = 116.30, 39.88, 116.42, 40.0
    middle = (west + east) / 2, (south + north) / 2
    boxes = [(w, s, e, n) for w, e in ((west, middle[0]), (middle[0], east)) for s, n in ((south, middle[1]), (middle[1], north))]
    made = Image.open(BytesIO(warped([Piece(picture_of(b, 300, 300, False), b) for b in boxes], 4326, box, 256)))
    right = np.asarray(Image.open(BytesIO(picture_of(box, 256, 256, True))).convert("RGB"), float)
    pixels = np.asarray(made, float)
    assert (pixels[..., 3] == 255).all()
    assert np.abs(pixels[..., :3] - right).mean() < 1.5
    # what lies beyond the pieces is empty, not black
    beyond = np.asarray(Image.open(BytesIO(warped([Piece(picture_of(boxes[0], 300, 300, False), boxes[0])], 4326, mercator_box(13, 6760, 3103), 64))))
    assert beyond.max() == 0 and look_at(EMPTY).kind == "image/png" and shade(np.zeros(1), np.zeros(1)).shape == (1, 3)
