import pytest

from tasks.addresses import Address
from tasks.errors import SettingInvalid

SECRET = "Kw7Zsecret"


def test_a_password_is_read_as_it_was_meant_and_is_in_no_text():
    address = Address.from_url(f"https://me:a%40b%3A%2F{SECRET}@[::1]:9091/push/?key={SECRET}", setting="[x] y")

    assert (address.base, address.path) == ("https://[::1]:9091", f"/push?key={SECRET}")
    assert (address.user, address.password) == ("me", f"a@b:/{SECRET}")
    assert SECRET not in f"{address} {address!r}"
    assert str(address) == "https://[::1]:9091"


@pytest.mark.parametrize(
    "url",
    [
        f"http://me:a/{SECRET}@host:9091",
        f"http://me:a?{SECRET}@host",
        f"http://me:1#{SECRET}@host",
        f"http://me:{SECRET}/@host",
        f"http://host:{SECRET}",
        f"http://[{SECRET}@host",
        f"host:9091/{SECRET}",
        f"ftp://me:{SECRET}@host",
        f"http://me:{SECRET}@",
        f"http://host/ ?key={SECRET}",
        f"http://host/\x01?key={SECRET}",
    ],
)
def test_an_address_that_cannot_be_read_is_not_shown(url):
    with pytest.raises(SettingInvalid) as refused:
        Address.from_url(url, setting="[metrics] pushgateway")

    assert "[metrics] pushgateway" in refused.value.message
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None
