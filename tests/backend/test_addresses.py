import socket

import pytest

from backend.addresses import HostPolicy, Origin
from model.errors import ImageRejected


@pytest.fixture
def names(monkeypatch):
    """A name service of our own: fill in name -> address."""
    table: dict[str, str] = {}

    def look_up(host, port, **_):
        if host not in table:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (table[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return table


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Example.org/a", Origin("http", "example.org", 80)),
        ("https://example.org.:444", Origin("https", "example.org", 444)),
        ("http://[::1]:8080/", Origin("http", "::1", 8080)),
    ],
)
def test_origin_of_a_url(url, expected):
    assert Origin.of(url) == expected


@pytest.mark.parametrize(
    "url",
    ["", "/data/upload/1/a.png", "file:///etc/passwd", "ftp://example.org/a", "gopher://x", "http://", "http://[",
     "http://example.org:99999/", "http://user:hunter2@example.org/", "s3://bucket/key"],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(url):
    with pytest.raises(ImageRejected) as caught:
        Origin.of(url)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_nothing_is_allowed_that_is_not_named(names):
    names["example.org"] = "93.184.216.34"
    with pytest.raises(ImageRejected, match="BOUNDARYCLICK_ALLOWED_HOSTS"):
        HostPolicy().resolve(Origin("https", "example.org", 443))


@pytest.mark.parametrize(
    ("pattern", "url", "allowed"),
    [
        ("example.org", "https://example.org", True),
        ("example.org", "https://example.org:8443", False),
        ("example.org", "https://sub.example.org", False),
        ("example.org:8443", "https://example.org:8443", True),
        ("*.example.org", "https://sub.example.org", True),
        ("*.example.org", "https://example.org", False),
        ("*.example.org", "https://evilexample.org", False),
        ("*.example.org", "https://sub.example.org:22", False),
        ("*.example.org:22", "https://sub.example.org:22", True),
        ("*", "http://anything.example", True),
        ("*", "https://anything.example", True),
        ("*", "http://anything.example:6379", False),
        ("*:8080", "http://anything.example:8080", True),
        ("*:8080", "http://anything.example", False),
    ],
)
def test_patterns(names, pattern, url, allowed):
    origin = Origin.of(url)
    names[origin.host] = "93.184.216.34"
    policy = HostPolicy(allowed=(pattern,))
    if allowed:
        assert policy.resolve(origin) == "93.184.216.34"
    else:
        with pytest.raises(ImageRejected):
            policy.resolve(origin)


PRIVATE = ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "::1",
           "fd00::1", "fe80::1%eth0", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1"]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_for_hosts_named_in_full(names, address):
    names["inside.example"] = address
    origin = Origin("http", "inside.example", 80)
    for pattern in ("*", "*.example"):
        with pytest.raises(ImageRejected, match="private network"):
            HostPolicy(allowed=(pattern,)).resolve(origin)
    assert HostPolicy(allowed=("inside.example",)).resolve(origin) == address
    assert HostPolicy(trusted=(origin,)).resolve(origin) == address


def test_trust_is_for_one_port(names):
    names["localhost"] = "127.0.0.1"
    policy = HostPolicy(trusted=(Origin("http", "localhost", 8080),))
    assert policy.resolve(Origin("http", "localhost", 8080)) == "127.0.0.1"
    with pytest.raises(ImageRejected):
        policy.resolve(Origin("http", "localhost", 6379))


def test_an_unknown_name(names):
    with pytest.raises(ImageRejected, match="no address"):
        HostPolicy(allowed=("nowhere.example",)).resolve(Origin("http", "nowhere.example", 80))
