"""Home Assistant finds the server by itself."""

from __future__ import annotations

import asyncio

import pytest

from antiphon.transports.wyoming.announcement import SERVICE, announced, seen

zeroconf = pytest.importorskip("zeroconf.asyncio")


def test_the_server_is_found_while_it_serves():
    async def work():
        found: asyncio.Queue = asyncio.Queue()
        async with announced("127.0.0.1", 10_300) as possible:
            if not possible:
                pytest.skip("there is no network to announce anything in")
            network = zeroconf.AsyncZeroconf()

            def noted(zeroconf, service_type, name, state_change):
                found.put_nowait((state_change.name, name))

            browser = zeroconf.AsyncServiceBrowser(network.zeroconf, SERVICE, handlers=[noted])
            change, name = await asyncio.wait_for(found.get(), 10)
            assert change == "Added" and name.startswith("Antiphon on ")
            info = await network.async_get_service_info(SERVICE, name)
            assert info.port == 10_300 and info.parsed_addresses() == ["127.0.0.1"]
        change, gone = await asyncio.wait_for(found.get(), 10)
        assert (change, gone) == ("Removed", name)
        await browser.async_cancel()
        await network.async_close()

    asyncio.run(work())


def test_an_address_of_all_is_told_as_one_that_others_see():
    assert seen("192.0.2.7") == "192.0.2.7"
    assert seen("0.0.0.0") not in ("0.0.0.0", "")
