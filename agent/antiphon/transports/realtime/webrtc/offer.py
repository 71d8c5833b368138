"""What a client offers to begin a call."""

from __future__ import annotations

from aiortc.sdp import SessionDescription

from antiphon.transports.realtime.protocol.errors import ApiError

WANTED = "one audio section with Opus, and one data channel at most"


def checked(sdp: str) -> str:
    """An offer as it is answered: without addresses.

    Whoever wants to be connected finds us, and is answered where it is found. So nobody can make
    this server send anything to an address that did not ask for it, and names that stand for
    addresses (`.local`) need not be looked up.

    Raises:
        ApiError: It is none, or asks for something else than a conversation.
    """
    lines = sdp.replace("\r\n", "\n").split("\n")
    kept = [line for line in lines if not line.startswith(("a=candidate", "a=end-of-candidates"))]
    made = "\r\n".join(kept).rstrip() + "\r\n"
    try:
        offer = SessionDescription.parse(made)
    except Exception as error:
        raise ApiError("The offer is no SDP.", "invalid_offer", "sdp") from error
    kinds = [media.kind for media in offer.media]
    if kinds.count("audio") != 1 or kinds.count("application") > 1 or len(kinds) > 2:
        raise ApiError(
            f"The offer must have {WANTED}: it has {', '.join(kinds) or 'nothing'}.",
            "invalid_offer",
            "sdp",
        )
    audio = offer.media[kinds.index("audio")]
    if not any(codec.mimeType.lower() == "audio/opus" for codec in audio.rtp.codecs):
        raise ApiError(f"The offer must have {WANTED}: it has no Opus.", "invalid_offer", "sdp")
    if not all(media.dtls and media.dtls.fingerprints for media in offer.media):
        raise ApiError("The offer has no fingerprint.", "invalid_offer", "sdp")
    grouped = {mid for group in offer.group if group.semantic == "BUNDLE" for mid in group.items}
    if len(kinds) > 1 and not {media.rtp.muxId for media in offer.media} <= grouped:
        raise ApiError("The offer's sections must be bundled.", "invalid_offer", "sdp")
    return made
