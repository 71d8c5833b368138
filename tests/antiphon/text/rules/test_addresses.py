import pytest

from antiphon.text import spoken

CASES = {
    "in /etc/hosts.": "in slash etc slash hosts.",
    "~/a.txt": "tilde slash a dot T X T",
    "C:\\Users\\Ann": "C colon backslash Users backslash Ann",
    "src/main.py": "S R C slash main dot P Y",
    "http://localhost:8080/api": "localhost colon eighty eighty slash api",
    "and/or, he/she, AC/DC": "and or, he or she, A C D C",
    "upgrade/update, days/week": "upgrade slash update, days per week",
    "os.path": "os dot path",
    "It works.the end": "It works. the end",
}


@pytest.mark.parametrize(("written", "heard"), CASES.items())
def test_paths_and_slashes(written: str, heard: str) -> None:
    assert spoken(written).text == heard
