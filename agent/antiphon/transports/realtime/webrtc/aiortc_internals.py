"""What a call needs of aiortc 1.16 and aioice 0.13 that they give no way to choose."""

from __future__ import annotations

from aiortc import RTCPeerConnection
from aiortc.jitterbuffer import JitterBuffer

MOST_REORDERED = 4
"""Packets of the microphone that may come out of order; aiortc waits for 16, so that one that is
lost takes a third of a second of speech with it."""
MAX_UNFINISHED = 2**20
"""Bytes of messages that may arrive without an end."""


async def listen_at(peer: RTCPeerConnection, address: str) -> None:
    """Offer one address of this machine to the other side, loopback included, and no other one.

    aioice would offer every address but loopback. To be called between `setRemoteDescription` and
    `setLocalDescription`.

    Args:
        peer: all of whose streams share one transport.
        address: an IP address of this machine.
    """
    ice = peer.getTransceivers()[0].receiver.transport.transport.iceGatherer._connection
    ice._local_candidates_start = True
    ice._local_candidates += await ice.get_component_candidates(1, [address])
    ice._local_candidates_end = True


def hear_early(peer: RTCPeerConnection) -> None:
    """Hear each packet of the microphone as soon as the next one is there; aiortc holds back four.

    To be called before the connection is made.
    """
    receiver = peer.getTransceivers()[0].receiver
    receiver._RTCRtpReceiver__jitter_buffer = JitterBuffer(MOST_REORDERED, prefetch=1)  # type: ignore[attr-defined]


def overfull(peer: RTCPeerConnection) -> bool:
    """Whether the client sends messages without end; aiortc says so to it, and takes them all."""
    return peer.sctp is not None and peer.sctp._advertised_rwnd < -MAX_UNFINISHED
