"""The H.264 encoders that rungs can be made with: x264, and what graphics hardware brings along.

Decoding, scaling and tone mapping stay in software whatever the encoder is, so every encoder gets the same frames at
the same times. Hardware differs by driver and generation in ways that no table knows; so nothing here is believed
before `worker.encoder_trial` has seen it work on the machine itself. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vod.hls.plan import SOFTWARE, Plan, Rung

Options = dict[str, object]

# Presets that x264 has no name for: its own, and what is set beside. Ten frames of lookahead give back what superfast
# saves too much at: a quarter less CPU than veryfast for 4 to 8 % more bits, at one VMAF (`bench.presets`).
OWN_PRESETS = {"superfast-lookahead": ("superfast", "mbtree=1:rc-lookahead=10:weightp=1")}
# Of the ceiling, where an encoder has no constant quality that every driver knows: what x264 spends on a busy film.
AVERAGE_SHARE = 0.6
# Keyframes are forced every two seconds at most; some hardware counts groups of pictures in 16 bits.
NO_KEYFRAMES_OF_ITS_OWN = 9_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    codec: str  # ffmpeg's name of it
    options: Callable[[Plan, Rung], Options]
    pixel_format: str = "yuv420p"  # that it takes from memory
    uploads: bool = False  # its frames are first handed to the device
    keeps_captions: bool = True  # those that lie in the pictures
    device_options: tuple[str, ...] = ()  # of the whole command; "{device}" is the render node
    devices: tuple[str, ...] = ()  # what the child must be able to open and command
    reads: tuple[str, ...] = ()  # where its driver looks for the hardware

    def takes(self, picture: Any) -> Any:
        """The filters between the last scaled picture and the encoder."""
        if self.pixel_format != "yuv420p":
            picture = picture.filter("format", self.pixel_format)
        return picture.filter("hwupload") if self.uploads else picture

    def global_arguments(self, device: str) -> tuple[str, ...]:
        return tuple(word.format(device=device) for word in self.device_options)

    def device_paths(self, device: str) -> tuple[str, ...]:
        return tuple(path.format(device=device) for path in self.devices)


def _x264(plan: Plan, rung: Rung) -> Options:
    preset, parameters = OWN_PRESETS.get(plan.preset, (plan.preset, ""))
    return {
        "preset": preset,
        "level:v": rung.level,
        # constant quality with a ceiling (Apple 1.30): easy scenes stay small
        "crf": rung.crf,
        # the headers of any two spans are the same bytes
        "x264-params": ":".join(filter(None, ("stitchable=1", parameters))),
        # keyframes only where the plan says: no scene cuts, no limit of x264's own
        "sc_threshold": 0,
        "g": 99_999,
        "keyint_min": 1,
        "forced-idr": 1,
    }


def _nvenc(_plan: Plan, rung: Rung) -> Options:
    return {
        # the middle of p1 (fastest) to p7; the chip, not the CPU, pays for it
        "preset": "p4",
        "level:v": rung.level,
        # constant quality, and no average that would overrule it
        "rc": "vbr",
        "cq": rung.crf,
        "b:v": 0,
        # keyframes only where the plan says, and each of them a place to start at
        "no-scenecut": 1,
        "forced-idr": 1,
        **_plain_groups(),
    }


def _qsv(_plan: Plan, rung: Rung) -> Options:
    return {
        "preset": "medium",
        "level:v": round(10 * float(rung.level)),
        "b:v": _average_bps(rung),
        # a forced keyframe is an IDR
        "forced_idr": 1,
        **_plain_groups(),
    }


def _vaapi(_plan: Plan, rung: Rung) -> Options:
    return {
        "level:v": rung.level.removesuffix(".0"),
        # the one mode of rate control that all drivers have
        "rc_mode": "VBR",
        "b:v": _average_bps(rung),
        # every keyframe is an IDR
        "idr_interval": 0,
        **_plain_groups(),
    }


def _vaapi_low_power(plan: Plan, rung: Rung) -> Options:
    # Intel's newer chips have nothing but this way in
    return _vaapi(plan, rung) | {"low_power": 1}


def _plain_groups() -> Options:
    """No frame is decoded before one that is shown earlier: not all hardware has such frames, and none needs them."""
    return {"bf": 0, "g": NO_KEYFRAMES_OF_ITS_OWN}


def _average_bps(rung: Rung) -> int:
    return round(rung.peak_bps * AVERAGE_SHARE)


DRM_READS = ("/dev/dri", "/sys/dev/char", "/sys/class/drm", "/sys/devices", "/usr/share/libdrm", "/usr/share/drirc.d")
NVIDIA_DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
NVIDIA_READS = (
    "/proc/driver/nvidia",
    "/proc/devices",
    "/proc/modules",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices",
)

VAAPI = Encoder(
    codec="h264_vaapi",
    options=_vaapi,
    pixel_format="nv12",
    uploads=True,
    keeps_captions=False,
    device_options=("-init_hw_device", "vaapi=gpu:{device}", "-filter_hw_device", "gpu"),
    devices=("{device}",),
    reads=DRM_READS,
)
ENCODERS: Mapping[str, Encoder] = {
    SOFTWARE: Encoder(codec="libx264", options=_x264),
    "nvenc": Encoder(codec="h264_nvenc", options=_nvenc, devices=NVIDIA_DEVICES, reads=NVIDIA_READS),
    "qsv": Encoder(
        codec="h264_qsv",
        options=_qsv,
        pixel_format="nv12",
        device_options=("-qsv_device", "{device}"),
        devices=("{device}",),
        reads=DRM_READS,
    ),
    "vaapi": VAAPI,
    "vaapi-low-power": replace(VAAPI, options=_vaapi_low_power),
}
# What each setting of `[hls] encoder` tries, in this order; behind all of them stands x264.
CANDIDATES = {
    "software": (),
    "nvenc": ("nvenc",),
    "qsv": ("qsv",),
    "vaapi": ("vaapi", "vaapi-low-power"),
    "auto": ("nvenc", "qsv", "vaapi", "vaapi-low-power"),
}
