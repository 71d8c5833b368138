"""Sites of any name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from satellite import Satellite

from antiphon.transports.hermes.sites import robot_of, site_of
from antiphon.transports.mqtt.wire.malformed import MalformedError
from antiphon.transports.mqtt.wire.topics import is_name


@given(st.lists(st.text(min_size=1, max_size=80), unique=True, max_size=30))
def test_every_site_is_a_robot_of_its_own(sites):
    robots = [robot_of(site) for site in sites]
    assert len(set(robots)) == len(sites)
    assert all(is_name(robot) and robot != "server" for robot in robots)


@pytest.mark.parametrize(
    "site", ["living room", "raspi.local", "Küche", "server", "-", "$x", "客厅"]
)
def test_a_site_may_have_nearly_any_name(net, site):
    satellite = Satellite(net, site)
    satellite.send("tts/say", siteId=site, text="one two", id="7")
    satellite.run(100)
    (over,) = satellite.told("tts/sayFinished")
    assert (over["siteId"], over["id"]) == (site, "7")
    assert satellite.finished == ["7"]
    assert net.texts(robot_of(site))[-1] == ("assistant", "w0 w1")


@pytest.mark.parametrize("site", ["a/b", "+", "#", "a\x00", "", 7, ["a"], "x" * 201])
def test_what_no_topic_can_carry_is_refused_in_one_sentence(net, site):
    satellite = Satellite(net, "kitchen")
    for _ in range(3):
        satellite.send("tts/say", siteId=site, text="one")
    satellite.run(3)
    (told,) = [each for each in net.said if "site id" in str(each)]
    assert str(told).endswith(".") and satellite.hermes.malformed == 3


def test_no_site_is_the_default_one():
    assert site_of(None) == "default"
    with pytest.raises(MalformedError, match="'/'"):
        site_of("a/b")
