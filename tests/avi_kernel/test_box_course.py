"""What a box used over time, in as few points as a picture needs."""

from itertools import count

from avi_kernel.box.course import POINTS, Course


def a_course(memory, cpu_seconds):
    times = count()
    return Course(memory_mb=memory, cpu_seconds=cpu_seconds, clock=lambda: float(next(times)))


def test_a_point_has_the_memory_of_the_moment_and_the_cores_since_the_last():
    held, used = iter([10.0, 20.0]), iter([1.0, 2.5, 3.0])
    course = a_course(lambda: next(held), lambda: next(used))
    course.look()
    course.look()
    assert course.points == [(1.0, 10.0, 1.5), (2.0, 20.0, 0.5)]


def test_a_long_run_takes_no_more_room_and_its_peak_stays():
    held = iter([*[5.0] * 300, 900.0, *[5.0] * 3000])
    course = a_course(lambda: next(held), lambda: 0.0)
    for _ in range(3000):
        course.look()
    assert len(course.points) <= POINTS
    assert course.pause > 8
    assert max(memory for _, memory, _ in course.points) == 900.0
    times = [at for at, _, _ in course.points]
    assert times == sorted(times)


def test_the_most_cores_stay_too_though_little_memory_was_held():
    used = iter([0.0, *(4.0 * number for number in range(1, 5)), *[16.0] * 400])
    course = a_course(lambda: 5.0, lambda: next(used))
    for _ in range(300):
        course.look()
    assert max(cores for _, _, cores in course.points) == 4.0


def test_a_system_that_tells_nothing_leaves_no_points():
    course = a_course(lambda: None, lambda: None)
    course.look()
    assert course.points == []
