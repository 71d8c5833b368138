import numpy as np
import pytest

from antiphon.runtime.frames import RATE
from antiphon.training.corpora.hearing.augmentation import Augment
from antiphon.training.jobs.turn_end import AFTER, BEFORE, Moment, fit, paused, scene


def test_the_head_tells_what_it_was_taught():
    rng = np.random.default_rng(0)
    axis = rng.normal(size=8)
    points = rng.normal(size=(400, 8)) * 3 + 5
    truth = (points - 5) @ axis > 0
    head = fit([Moment(x, bool(y)) for x, y in zip(points, truth, strict=True)], decay=1.0)
    said = points @ head["weight"] + head["bias"] > 0
    assert (said == truth).mean() > 0.97


def test_rare_ends_weigh_as_much_as_pauses():
    rng = np.random.default_rng(0)
    moments = [Moment(rng.normal(size=2).astype(np.float32), False) for _ in range(190)]
    moments += [Moment((rng.normal(size=2) + 1.5).astype(np.float32), True) for _ in range(10)]
    head = fit(moments, decay=1.0)
    ends = [m.states @ head["weight"] + head["bias"] > 0 for m in moments if m.complete]
    assert np.mean(ends) >= 0.7


def test_counting_silences_is_not_learnt():
    rng = np.random.default_rng(0)

    def moment(complete, later):
        return Moment(np.array([later, complete + rng.normal()]), complete, later)

    kinds = {(True, True): 150, (False, True): 20, (True, False): 20, (False, False): 150}
    head = fit([moment(*kind) for kind, count in kinds.items() for _ in range(count)], decay=1.0)
    assert head["weight"][1] > 3 * abs(head["weight"][0])


def test_a_scene_knows_where_the_turn_ends(tmp_path):
    rng = np.random.default_rng(0)
    clip = np.pad(0.2 * rng.normal(size=2 * RATE), (RATE, RATE)).astype(np.float32)
    for _ in range(5):
        pcm, end = scene(clip, Augment(tmp_path), rng)
        assert len(pcm) == end + AFTER
        assert end >= BEFORE + 2 * RATE
        before, after = pcm[end - RATE // 5 : end].std(), pcm[end + 400 :].std()
        assert before > 10 * after


def test_a_pause_is_between_a_third_of_a_second_and_one():
    rng = np.random.default_rng(0)
    clip = (0.2 * rng.normal(size=3 * RATE)).astype(np.float32)
    for _ in range(10):
        longer = paused(clip, rng)
        assert 0.3 * RATE <= len(longer) - len(clip) <= RATE
        assert (longer == 0).sum() == pytest.approx(len(longer) - len(clip), abs=8)
