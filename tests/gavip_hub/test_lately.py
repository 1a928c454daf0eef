"""What was found lately: of so many things, those that were asked for last."""

from gavip_hub.lately import Lately


def test_what_was_put_there_is_found_and_nothing_else():
    lately = Lately[str, int](most=2)
    lately.put("a", 1)
    assert (lately.get("a"), lately.get("b")) == (1, None)


def test_what_was_asked_for_longest_ago_is_forgotten():
    lately = Lately[str, int](most=2)
    lately.put("a", 1)
    lately.put("b", 2)
    assert lately.get("a") == 1
    lately.put("c", 3)
    assert [lately.get(key) for key in "abc"] == [1, None, 3]


def test_what_is_found_anew_takes_the_place_of_what_was_found_before():
    lately = Lately[str, int](most=2)
    for key, found in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        lately.put(key, found)
    assert [lately.get(key) for key in "abc"] == [3, None, 4]
