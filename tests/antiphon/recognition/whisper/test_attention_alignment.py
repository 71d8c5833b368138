import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from antiphon.recognition.whisper.attention_alignment import monotonic


@given(st.integers(1, 12), st.integers(0, 40), st.integers(0, 99))
def test_a_path_never_steps_back_and_reaches_the_end(rows, columns, seed):
    looks = np.random.default_rng(seed).random((rows, columns), np.float32)
    path = monotonic(looks)
    assert len(path) == columns
    if columns >= rows:
        assert path[0] == 0
        assert path[-1] == rows - 1
        assert set(np.diff(path)) <= {0, 1}
    elif columns:
        assert path.min() >= 0
        assert path.max() < rows


def test_it_follows_the_attention():
    looks = np.full((3, 9), 0.01, np.float32)
    looks[0, :2] = looks[1, 2:7] = looks[2, 7:] = 1.0
    assert monotonic(looks).tolist() == [0, 0, 1, 1, 1, 1, 1, 2, 2]
