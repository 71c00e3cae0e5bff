"""The seccomp program, run by a small interpreter: so the table of the machine we are not on is checked too."""

from __future__ import annotations

import errno
import struct

import pytest

from vod.ffmpeg import sandbox

ALLOWED = sandbox.ALLOW
REFUSED = 0x00050000 | errno.EPERM
MISSING = 0x00050000 | errno.ENOSYS
KILLED = sandbox.KILL
# pthread_create's and fork's flags in glibc
THREAD_FLAGS, FORK_FLAGS = 0x3D0F00, 0x01200011

CALLS = {  # name -> number on (x86_64, aarch64)
    "read": (0, 63),
    "openat": (257, 56),
    "mmap": (9, 222),
    "execve": (59, 221),
    "sched_getaffinity": (204, 123),
    "getrandom": (318, 278),
}
MACHINES = tuple(sandbox.AUDIT_ARCHITECTURES)


def judge(machine: str, call: int, argument: int = 0, architecture: int | None = None) -> int:
    """What the kernel would answer."""
    audit = sandbox.AUDIT_ARCHITECTURES[machine] if architecture is None else architecture
    data = struct.pack("=IIQQ", call, audit, 0, argument)
    instructions = list(struct.iter_unpack("=HBBI", sandbox.seccomp_filter(machine)))
    position = accumulator = 0
    while True:
        code, if_true, if_false, value = instructions[position]
        position += 1
        if code == sandbox.RETURN:
            return int(value)
        if code == sandbox.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, value)
            continue
        holds = {
            sandbox.JUMP_EQUAL: accumulator == value,
            sandbox.JUMP_AT_LEAST: accumulator >= value,
            sandbox.JUMP_BITS: bool(accumulator & value),
        }[code]
        position += if_true if holds else if_false


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("call", sandbox.REFUSED)
def test_a_dangerous_call_is_refused(machine: str, call: str) -> None:
    number = sandbox.REFUSED[call][MACHINES.index(machine)]
    assert number is None or judge(machine, number) == REFUSED


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("call", CALLS)
def test_what_a_decoder_needs_is_allowed(machine: str, call: str) -> None:
    assert judge(machine, CALLS[call][MACHINES.index(machine)]) == ALLOWED


@pytest.mark.parametrize("machine", MACHINES)
def test_threads_start_and_processes_do_not(machine: str) -> None:
    assert judge(machine, sandbox.CLONE[machine], argument=THREAD_FLAGS) == ALLOWED
    assert judge(machine, sandbox.CLONE[machine], argument=FORK_FLAGS) == REFUSED
    assert judge(machine, sandbox.CLONE3) == MISSING


@pytest.mark.parametrize("machine", MACHINES)
def test_only_its_own_limits_may_be_changed(machine: str) -> None:
    assert judge(machine, sandbox.PRLIMIT[machine], argument=0) == ALLOWED
    assert judge(machine, sandbox.PRLIMIT[machine], argument=1) == REFUSED


def test_a_foreign_architecture_is_killed() -> None:
    """A 32-bit call has other numbers, which would walk round the table."""
    assert judge("x86_64", 0, architecture=0x40000003) == KILLED


def test_the_second_call_table_of_x86_is_refused() -> None:
    assert judge("x86_64", sandbox.X32_CALLS | 41) == REFUSED


def test_no_call_is_named_twice() -> None:
    for column in range(len(MACHINES)):
        numbers = [pair[column] for pair in sandbox.REFUSED.values() if pair[column] is not None]
        assert len(numbers) == len(set(numbers))


def test_orders_end_where_the_command_begins() -> None:
    words = ["parent", "1", "read", "/a b", "read", "/c", "--", "/bin/ffmpeg", "--", "x"]
    assert sandbox.parse(words) == ({"parent": ["1"], "read": ["/a b", "/c"]}, ["/bin/ffmpeg", "--", "x"])
