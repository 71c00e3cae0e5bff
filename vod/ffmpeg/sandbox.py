"""Runs one program in a cage: `python -I -S sandbox.py [KEY VALUE]… -- PROGRAM ARGUMENT…`.

Executed as a file of its own, so the standard library is all it may use; and little of that, for every start of
ffmpeg waits for it (json or dataclasses alone would double its 11 ms). In this order it ties its life to its
parent's, puts the pipes where the program expects them, lowers limits and privileges, closes the file system
(Landlock) and the kernel's dangerous doors (seccomp), and becomes the program. It writes nothing but its last words:
`sandbox: REASON`, with exit status 125. `vod.ffmpeg.cage` writes the orders.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import resource
import struct
import sys

EXIT_STATUS = 125
LAST_WORDS = "sandbox: "
FIRST_PIPE = 3
SIGKILL, SIGPIPE, SIGXFSZ = 9, 13, 25  # the signal module would cost 4 ms

PR_SET_PDEATHSIG, PR_GET_SECCOMP, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 21, 22, 38
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_READ_SEARCH = 1 << 2  # alone kept of root's: an original may belong to another user of the household

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, IOCTL_DEVICE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 15
# Rights over files that each ABI can take away: 13 bits, then REFER, TRUNCATE, and IOCTL_DEV with ABI 5.
HANDLED_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
LANDLOCK_NET = 0b11  # bind and connect over TCP, from ABI 4
LANDLOCK_SCOPES = 0b11  # abstract UNIX sockets and signals to others, from ABI 6

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, UNKNOWN_CALL = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
CALL_NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
X32_CALLS = 0x40000000  # the second call table of x86-64, which would walk round this one
CLONE_THREAD = 0x00010000
AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
PRLIMIT = {"x86_64": 302, "aarch64": 261}

# Refused with EPERM: call -> its number on (x86_64, aarch64), None where that architecture lacks it.
# fmt: off
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # the network, and sockets of every other family
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242),
    # other processes, and children of our own (threads are clones, judged by their flags)
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "process_madvise": (440, 440), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "kill": (62, 129),
    "pidfd_send_signal": (424, 424), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "setsid": (112, 157), "setpgid": (109, 154), "fork": (57, None),
    "vfork": (58, None),
    # the mount tree and namespaces
    "mount": (165, 40), "umount2": (166, 39), "move_mount": (429, 429), "open_tree": (428, 428), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268),
    # kernel interfaces with a long history of holes
    "bpf": (321, 280), "perf_event_open": (298, 241), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "fanotify_init": (300, 262), "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264), "memfd_secret": (447, 447), "modify_ldt": (154, None), "personality": (135, 92),
    # the machine itself
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "syslog": (103, 116), "acct": (163, 89), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, None), "ioperm": (173, None),
    "lookup_dcookie": (212, 18), "vhangup": (153, 58),
    # memory and queues shared with others
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "msgget": (68, 186),
    "mq_open": (240, 180),
    # what Landlock does not cover: modes, owners, times and attributes of files
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "setxattrat": (463, 463), "removexattrat": (466, 466), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "truncate": (76, 45),
}
# fmt: on

libc = ctypes.CDLL(None, use_errno=True)


# What the orders may say, each any number of times:
#   parent PID          the program dies with it          nice N             added to our own niceness
#   pipe FD             becomes 3, 4, … in this order     limit KIND=N       soft and hard, KIND as in RLIMIT_KIND
#   read PATH           a file it may open                library PATH       what the dynamic loader reads
#   executable PATH     the program and its loader        device PATH        a device file that it commands
#   landlock, seccomp   1: install it
Orders = dict[str, list[str]]


def landlock_abi() -> int:
    """0 where the kernel has no Landlock or keeps it from us."""
    size, flags = ctypes.c_size_t(0), ctypes.c_uint(LANDLOCK_CREATE_RULESET_VERSION)
    return max(0, int(libc.syscall(LANDLOCK_CREATE_RULESET, None, size, flags)))


def seccomp_available() -> bool:
    return os.uname().machine in AUDIT_ARCHITECTURES and int(libc.prctl(PR_GET_SECCOMP)) >= 0


def enter(orders: Orders) -> None:
    """Raises OSError for the first thing that could not be had."""
    _die_with(int(orders["parent"][0]))
    for ignored_by_python in (SIGPIPE, SIGXFSZ):
        libc.signal(ignored_by_python, None)
    _place_pipes([int(pipe) for pipe in orders.get("pipe", [])])
    for increment in orders.get("nice", []):
        _be_nice(int(increment))
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _drop_capabilities()
    if "landlock" in orders:
        _close_file_system(orders)
    for limit in orders.get("limit", []):
        _limit(*limit.split("="))
    if "seccomp" in orders:
        _install_filter(seccomp_filter(os.uname().machine))


def _be_nice(increment: int) -> None:
    niceness = os.nice(increment)
    # Where the kernel groups processes by session (desktops, Debian's default), niceness counts within a group only,
    # and we are alone in ours: the group must be as nice as we are.
    try:
        with open("/proc/self/autogroup", "w", encoding="ascii") as group:  # noqa: PTH123 - pathlib costs 10 ms
            group.write(str(niceness))
    except OSError:
        pass


def _die_with(parent: int) -> None:
    _prctl(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != parent:  # it died before the signal was ordered
        os.kill(os.getpid(), SIGKILL)


def _place_pipes(pipes: list[int]) -> None:
    # By way of high numbers, so that no pipe is overwritten while another takes its place.
    above = FIRST_PIPE + len(pipes) + max(pipes, default=0)
    parked = [fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, above) for pipe in pipes]
    for place, pipe in enumerate(parked, start=FIRST_PIPE):
        os.dup2(pipe, place)
    os.closerange(FIRST_PIPE + len(pipes), above)


def _drop_capabilities() -> None:
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    sets = ctypes.create_string_buffer(24)  # effective, permitted, inheritable: low words, then high words
    _check(libc.capget(header, sets), "capget")
    effective, permitted = struct.unpack_from("II", sets.raw)
    kept = struct.pack("6I", effective & CAP_DAC_READ_SEARCH, permitted & CAP_DAC_READ_SEARCH, 0, 0, 0, 0)
    _check(libc.capset(header, kept), "capset")


def _limit(kind: str, value: str) -> None:
    number = getattr(resource, f"RLIMIT_{kind}")
    _, hard = resource.getrlimit(number)
    lowered = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
    resource.setrlimit(number, (lowered, lowered))


def _close_file_system(orders: Orders) -> None:
    """Takes away every right over files that this kernel knows; gives back reading of what the orders name."""
    abi = landlock_abi()
    handled = (1 << HANDLED_BITS[min(abi, max(HANDLED_BITS))]) - 1
    network, scopes = (LANDLOCK_NET if abi >= 4 else 0), (LANDLOCK_SCOPES if abi >= 6 else 0)
    attributes = struct.pack("QQQ", handled, network, scopes)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    size = ctypes.c_size_t(len(attributes))
    ruleset = _check(libc.syscall(LANDLOCK_CREATE_RULESET, attributes, size, ctypes.c_uint(0)), "Landlock")
    for path in orders.get("read", []):
        _allow(ruleset, path, READ_FILE)
    for path in orders.get("library", []):
        _allow(ruleset, path, READ_FILE | READ_DIR)
    for path in orders.get("executable", []):
        _allow(ruleset, path, READ_FILE | EXECUTE)
    for path in orders.get("device", []):
        _allow(ruleset, path, (READ_FILE | WRITE_FILE | IOCTL_DEVICE) & handled)
    _check(libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, ctypes.c_uint(0)), "Landlock")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - pathlib would double the start-up time
            rights &= ~READ_DIR
        rule = struct.pack("=Qi", rights, target)
        _check(libc.syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, ctypes.c_uint(0)), "Landlock")
    finally:
        os.close(target)


def seccomp_filter(machine: str) -> bytes:
    """The BPF program for `machine`: a deny list, for which calls a decoder needs changes with every libc."""
    column = list(AUDIT_ARCHITECTURES).index(machine)
    refused = [numbers[column] for numbers in REFUSED.values()]
    program = [
        _instruction(LOAD, ARCHITECTURE),
        _instruction(JUMP_EQUAL, AUDIT_ARCHITECTURES[machine], 1, 0),
        _instruction(RETURN, KILL),
        _instruction(LOAD, CALL_NUMBER),
        _instruction(JUMP_AT_LEAST, X32_CALLS, 0, 1),
        _instruction(RETURN, REFUSE),
        _instruction(JUMP_EQUAL, CLONE3, 0, 1),  # its flags lie in memory, out of sight: libc falls back to clone
        _instruction(RETURN, UNKNOWN_CALL),
    ]
    for number in refused:
        if number is not None:
            program += [_instruction(JUMP_EQUAL, number, 0, 1), _instruction(RETURN, REFUSE)]
    program += [
        _instruction(JUMP_EQUAL, CLONE[machine], 0, 3),
        _instruction(LOAD, FIRST_ARGUMENT),
        _instruction(JUMP_BITS, CLONE_THREAD, 4, 0),  # a thread; a process is refused
        _instruction(RETURN, REFUSE),
        _instruction(JUMP_EQUAL, PRLIMIT[machine], 0, 2),
        _instruction(LOAD, FIRST_ARGUMENT),
        _instruction(JUMP_EQUAL, 0, 0, 1),  # its own limits; another's are refused
        _instruction(RETURN, ALLOW),
        _instruction(RETURN, REFUSE),
    ]
    return b"".join(program)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _install_filter(program: bytes) -> None:
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    _prctl(PR_SET_SECCOMP, 2, header)


def _prctl(option: int, value: int, pointer: bytes | None = None) -> None:
    arguments = (ctypes.c_ulong(value), pointer, ctypes.c_ulong(0), ctypes.c_ulong(0))
    _check(libc.prctl(option, *arguments), f"prctl {option}")


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def parse(arguments: list[str]) -> tuple[Orders, list[str]]:
    end = arguments.index("--")
    orders: Orders = {}
    for key, value in zip(arguments[0:end:2], arguments[1:end:2], strict=True):
        orders.setdefault(key, []).append(value)
    return orders, arguments[end + 1 :]


def main() -> None:
    orders, command = parse(sys.argv[1:])
    try:
        enter(orders)
        os.execve(command[0], command, {})  # noqa: S606 - there is no shell, on purpose
    except OSError as error:
        sys.stderr.write(f"{LAST_WORDS}{error}\n")
        sys.exit(EXIT_STATUS)


if __name__ == "__main__":
    main()
