"""Every rule of hls-rules.md that applies, held against a film whose segments were made one by one, last first."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.film import encode_original, make_package, plan_original
from tests.hls_package import Package, folder_package
from tests.hls_rules import PACKAGE_RULES, Rule, rule_id
from vod.config import FfmpegSection
from vod.ffmpeg.process import Launcher
from vod.hls.plan import Plan
from vod.hls.verify import verify_rendition
from worker.verifying import verify_decodes

Film = tuple[Plan, Path, Package]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    folder = tmp_path_factory.mktemp("film")

    async def make() -> Film:
        launcher = Launcher(FfmpegSection())
        await launcher.start()
        plan = plan_original()
        await make_package(launcher, plan, encode_original(folder / "original.mp4"), folder / "hls")
        for name in plan.renditions:
            await verify_decodes(launcher, folder / "hls" / plan.digest / name, plan, name)
        return plan, folder / "hls" / plan.digest, await folder_package(folder / "hls")

    return asyncio.run(make())


@pytest.mark.parametrize("rule", PACKAGE_RULES, ids=rule_id)
def test_rule(film: Film, rule: Rule) -> None:
    rule(film[2])


def test_every_rendition_passes_its_verification(film: Film) -> None:
    plan, folder, _ = film
    for name in plan.renditions:
        verify_rendition(folder / name, plan, name)


def test_no_frame_is_lost_or_doubled(film: Film) -> None:
    for track in film[2].video:
        assert sorted(sample.time for sample in track.samples) == [1001 * n for n in range(340)]
