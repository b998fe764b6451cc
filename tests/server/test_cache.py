"""Answers that are kept: the last ones asked for, within their bytes."""

from touchline.server.cache import AnswerCache


def test_what_was_asked_for_last_stays() -> None:
    cache = AnswerCache(max_bytes=10)
    cache.put("a", b"1234")
    cache.put("b", b"1234")
    assert cache.get("a") == b"1234"
    cache.put("c", b"1234")
    assert [cache.get(key) for key in "abc"] == [b"1234", None, b"1234"]


def test_an_answer_again_counts_once() -> None:
    cache = AnswerCache(max_bytes=10)
    for _ in range(9):
        cache.put("a", b"12345")
    cache.put("b", b"12345")
    assert cache.get("a") == cache.get("b") == b"12345"


def test_what_is_larger_than_all_is_not_kept() -> None:
    cache = AnswerCache(max_bytes=3)
    cache.put("a", b"1234")
    assert cache.get("a") is None
    cache.put("b", b"123")
    assert cache.get("b") == b"123"
