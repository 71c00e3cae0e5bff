"""The rules that sizes, times and first pictures answer: one function a rule of hls-rules.md, which yields its faults.

Rungs that are copied are as somebody else has encoded them: where a rule is about our encoder, they only get a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, pairwise

from vod.hls.doctor.listing import Entry
from vod.hls.doctor.package import Fault, Package, Track
from vod.hls.plan import EARLIEST_END_SECONDS, AudioPlan, Rung
from vod.hls.playlist import MICROSECONDS
from vod.storage import MASTER

Faults = Iterator[Fault]

TENTH = Fraction(1, 10)
STEREO_BPS, SURROUND_BPS = 160_000, 320_000
BOXES = Fraction(105, 100)  # what the boxes round the packets add
KEYFRAME_SECONDS = 2
AS_IT_STANDS = "copied as it stands"


def size_and_rate_are_told(package: Package) -> Faults:
    for variant in package.master.variants:
        track = package.tracks.get(variant.uri)
        real = track.init.picture_size if track else None
        if track is None or real is None:
            continue
        if variant.resolution != real:
            told, right = variant.get("RESOLUTION") or "missing", "{}x{}".format(*real)
            yield Fault(where=variant.uri, what=f"RESOLUTION is {told}, not {right}")
        if not _is_rate_right(variant, track):
            told = variant.get("FRAME-RATE") or "missing"
            yield Fault(where=variant.uri, what=f"FRAME-RATE is {told}, measured {float(1 / track.usual_sample):.3f}")


def _is_rate_right(variant: Entry, track: Track) -> bool:
    """Sound may begin earlier and end later than pictures: only from the first of them to the last is counted."""
    try:
        told = float(variant.get("FRAME-RATE"))
    except ValueError:
        return False
    if not told > 0:
        return False
    first, last = track.segments[0].first_shown, track.segments[-1].last_shown
    listed = track.sample_count / told
    return abs(float(track.seconds(last - first)) - listed) <= 0.05 * listed + 2 * float(track.longest_sample)


def bandwidths_are_right(package: Package) -> Faults:
    for variant in package.master.variants:
        heard, own = package.heard_with(variant), package.tracks.get(variant.uri)
        if own is None or heard is None:
            continue
        pictures = [own] if own.is_video else []
        peak = sum(one.peak_bps for one in pictures) + max((one.peak_bps for one in heard), default=0)
        average = sum(one.average_bps for one in pictures) + max((one.average_bps for one in heard), default=0)
        for name, real in (("BANDWIDTH", peak), ("AVERAGE-BANDWIDTH", average)):
            if abs(variant.bps(name) - real) > real * TENTH:
                yield Fault(where=variant.uri, what=f"{name} is {variant.get(name) or 'missing'}, measured {real:.0f}")


def peaks_are_capped(package: Package) -> Faults:
    for track in package.tracks.values():
        if track.peak_bps > 2 * track.average_bps:
            ratio = f"its peak is {track.peak_bps / track.average_bps:.1f} times its average"
            if track.as_it_stands:
                yield Fault(where=track.name, what=f"{AS_IT_STANDS}: {ratio}", is_note=True)
            elif track.peak_bps <= _ceiling_bps(package, track):
                yield Fault(where=track.name, what=f"{ratio}, but within its encoder's ceiling", is_note=True)
            else:
                yield Fault(where=track.name, what=f"{ratio}, and above its encoder's ceiling")


def _ceiling_bps(package: Package, track: Track) -> float:
    """What a segment as long as the target may take: the rate all along, and a full buffer."""
    planned = package.plan.renditions.get(track.name)
    if isinstance(planned, Rung):
        return planned.peak_bps + planned.buffer_bits / max(track.listing.target_seconds, 1)
    return planned.bitrate_bps * 1.25 if isinstance(planned, AudioPlan) else 0


def sound_is_small_and_whole(package: Package) -> Faults:
    end = max((track.end for track in package.tracks.values()), default=Fraction(0))
    frame = max((track.usual_sample for track in package.videos), default=Fraction(0))
    for uri, track in package.tracks.items():
        if track.is_video:
            continue
        most = STEREO_BPS if package.channels(uri) <= 2 else SURROUND_BPS
        if track.average_bps > most * BOXES:
            rate = f"it takes {track.average_bps / 1000:.0f} kb/s, more than {most // 1000}"
            yield Fault(
                where=track.name,
                what=f"{AS_IT_STANDS}: {rate}" if track.as_it_stands else rate,
                is_note=track.as_it_stands,
            )
        if end - track.end > track.longest_sample + frame:
            yield _short(track, end - track.end)


def _short(track: Track, lacking: Fraction) -> Fault:
    """Copying cannot pad with silence: `vod.hls.copying` lets that much pass."""
    may = track.as_it_stands and lacking <= EARLIEST_END_SECONDS
    return Fault(where=track.name, what=f"it ends {float(lacking):.3f} s before the film", is_note=may)


def keyframes_are_near(package: Package) -> Faults:
    for track in package.videos:
        times = [*chain.from_iterable(segment.keyframes for segment in track.segments), track.segments[-1].end]
        gap = track.seconds(max((later - earlier for earlier, later in pairwise(times)), default=0))
        if gap > KEYFRAME_SECONDS + track.longest_sample:
            text = f"its keyframes are up to {float(gap):.2f} s apart"
            yield Fault(
                where=track.name,
                what=f"{AS_IT_STANDS}: {text}" if track.as_it_stands else text,
                is_note=track.as_it_stands,
            )


def segments_begin_with_idr(package: Package) -> Faults:
    for track in package.videos:
        for segment in track.segments:
            if not segment.begins_with_sync:
                yield Fault(where=segment.uri, what="its first sample is not marked as a sync sample")
            elif not segment.begins_with_idr:
                yield Fault(where=segment.uri, what="its first picture is no IDR")


def segments_keep_to_the_target(package: Package) -> Faults:
    for uri, listing in package.media_listings():
        target = listing.target_seconds
        if not target:
            yield Fault(where=uri, what="EXT-X-TARGETDURATION is missing")
            continue
        for listed in listing.segments:
            seconds = Fraction(listed.microseconds, MICROSECONDS)
            if int(seconds + Fraction(1, 2)) > target or seconds > target + Fraction(1, 2):
                yield Fault(where=listed.uri, what=f"it lasts {float(seconds):.3f} s, the target is {target}")


def lists_are_alike(package: Package) -> Faults:
    listings = dict(package.media_listings())
    targets = {listing.target_seconds for listing in listings.values()}
    if len(targets) > 1:
        yield Fault(where=MASTER, what=f"the playlists have targets of {sorted(targets)} s")
    longest = max((listing.edges[-1] for listing in listings.values()), default=0)
    samples = [track.longest_sample for track in package.tracks.values()]
    for uri, listing in listings.items():
        lacking = Fraction(longest - listing.edges[-1], MICROSECONDS)
        if lacking > max(samples, default=Fraction(0)):
            track = package.tracks.get(uri)
            may = track is not None and track.as_it_stands and not track.is_video and lacking <= EARLIEST_END_SECONDS
            yield Fault(where=uri, what=f"it is {float(lacking):.3f} s shorter than the longest", is_note=may)


def cuts_are_alike(package: Package) -> Faults:
    if not package.videos:
        return
    first, *others = package.videos
    for track in others:
        for number, (one, other) in enumerate(zip(first.starts, track.starts, strict=False)):
            if one != other:
                times = f"{float(other):.6f} s, in {first.name} at {float(one):.6f} s"
                yield Fault(where=track.name, what=f"segment {number} starts at {times}")
                break
        if first.listing.edges != track.listing.edges:
            yield Fault(where=track.name, what=f"its EXTINF are not those of {first.name}")


def extinf_adds_up(package: Package) -> Faults:
    for track in package.tracks.values():
        media = [start - track.starts[0] for start in (*track.starts, track.end)]
        for number, (listed, real) in enumerate(zip(track.listing.edges, media, strict=True)):
            if abs(Fraction(listed, MICROSECONDS) - real) > track.usual_sample:
                told = f"EXTINF adds up to {listed / MICROSECONDS:.3f} s before segment {number}"
                yield Fault(where=track.name, what=f"{told}, its media to {float(real):.3f} s")
                break


def segments_carry_on(package: Package) -> Faults:
    for track in package.tracks.values():
        for earlier, later in pairwise(track.segments):
            if later.start != earlier.end:
                gap = track.seconds(later.start - earlier.end)
                yield Fault(where=later.uri, what=f"it starts {float(gap):+.6f} s from where the last one stopped")
            elif track.is_video and later.first_shown <= earlier.last_shown:
                yield Fault(where=later.uri, what="a picture of the segment before is shown after one of its own")
