"""The record of a box is read as it stands, and joined with what speaks against the AVI."""

from avi_kernel.protocol.called import MOST_KEPT, Called, called_of, joined
from avi_kernel.protocol.scorecard import HostCall


def line(host, port=443):
    return f'{{"time": 1.0, "host": "{host}", "port": {port}, "allowed": true, "reason": "", "sent": 0}}'


def test_each_host_and_port_is_counted():
    found = called_of([line("a.example"), line("b.example"), line("a.example"), line("a.example", 80)])
    assert [(one.host, one.port, one.times) for one in found] == [
        ("a.example", 443, 2),
        ("b.example", 443, 1),
        ("a.example", 80, 1),
    ]


def test_the_end_of_a_call_is_no_call():
    ended = line("a.example").replace("}", ', "ends": true}')
    assert called_of([line("a.example"), ended]) == [Called(host="a.example", port=443, times=1)]


def test_lines_that_were_cut_short_are_left_out():
    assert called_of(["", "{", line("a.example")[:20], "[]"]) == []


def test_a_record_of_more_hosts_than_are_kept_is_no_proof_of_any():
    assert len(called_of(line(f"h{number}.example") for number in range(MOST_KEPT))) == MOST_KEPT
    assert called_of(line(f"h{number}.example") for number in range(MOST_KEPT + 1)) is None


def test_the_platform_says_what_is_declared():
    told = [HostCall(host="c.example", port=0, declared=True), HostCall(host="*", port=80, declared=True)]
    found = joined([Called(host="a.example", port=443)], told, ["*.example"])
    assert [(call.host, call.declared) for call in found] == [("*", False), ("a.example", True)]
