"""Attacks on the sandbox, run inside it by the self-test and by the tests.

    python3 solution.py ATTACK

Prints `held` when the sandbox refused, else what it let through. Some attacks must not get so far
as to print: the runner has to stop them.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import sys
import time
from pathlib import Path

MB = 2**20
UID = 10001
LIBC = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"


def refused(action: object, *arguments: object, by: tuple[int, ...] = ()) -> bool:
    """Whether the action failed with an OSError, of one of these numbers where some are named."""
    try:
        action(*arguments)
    except OSError as error:
        return not by or error.errno in by
    return False


def system_call_denied(number: int, *arguments: int) -> bool:
    """Whether the filter answered: EPERM, or ENOSYS."""
    ctypes.set_errno(0)
    words = [ctypes.c_long(argument) for argument in arguments]
    return LIBC.syscall(ctypes.c_long(number), *words) == -1 and ctypes.get_errno() in {
        errno.EPERM,
        errno.ENOSYS,
    }


def user() -> list[str]:
    """Become root, or keep any privilege."""
    status = dict(
        line.split(":\t", 1)
        for line in Path("/proc/self/status").read_text().splitlines()
        if ":\t" in line
    )
    return [
        name
        for name, held in {
            "runs as root": os.getuid() == UID == os.getgid() and os.getgroups() == [],
            "becomes root": refused(os.setuid, 0) and refused(os.setgid, 0),
            "has capabilities": int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0,
            "may gain privileges": status["NoNewPrivs"] == "1",
            "is not filtered": status["Seccomp"] == "2",
            "finds setuid programs": not any(
                path.stat().st_mode & 0o6000
                for folder in ("/usr/bin", "/usr/sbin")
                for path in Path(folder).iterdir()
                if path.exists()
            ),
        }.items()
        if not held
    ]


def read_only() -> list[str]:
    """Write anywhere but in our own directory."""
    folders = (
        "/ /etc /usr/bin /opt/calisota /work /work/src /dev /dev/shm /dev/mqueue /run /proc /sys"
    )
    return [
        f"writes to {folder}"
        for folder in folders.split()
        if not refused(Path(folder, "x").write_text, "")
    ]


def tmpfs_size() -> list[str]:
    """Fill the writable space, in several files, since one is limited by itself."""
    total = 0
    with contextlib.suppress(OSError):
        for number in range(1000):
            with Path(f"big{number}").open("wb", buffering=0) as file:
                total += file.write(bytes(MB))
    return [f"writes {total // MB} MB"] if total > 64 * MB else []


def inodes() -> list[str]:
    """Make endless empty files."""
    try:
        for number in range(20_000):
            Path(f"f{number}").touch()
    except OSError as error:
        return [] if error.errno == errno.ENOSPC else [str(error)]
    return ["makes 20000 files"]


def pids() -> list[str]:
    """Make endless processes, all of which stay."""
    try:
        for _ in range(200):
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
    except OSError as error:
        return [] if error.errno == errno.EAGAIN else [str(error)]
    return ["makes 200 processes"]


def network() -> list[str]:
    """Reach anything."""
    targets = ("1.1.1.1", 53), ("169.254.169.254", 80), ("172.17.0.1", 80), ("2606:4700::1", 53)
    leaks = []
    for host, port in targets:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
            one.settimeout(0.2)
            if not refused(one.connect, (host, port), by=(errno.ENETUNREACH, errno.EADDRNOTAVAIL)):
                leaks.append(f"{host} is not unreachable")
    return leaks


def opened(families: dict[str, int]) -> list[str]:
    """The socket families that the filter lets through, in any type."""
    kinds = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET
    return [
        f"opens {name}"
        for name, family in families.items()
        if not all(refused(socket.socket, family, kind, by=(errno.EPERM,)) for kind in kinds)
    ]


def vsock() -> list[str]:
    """Reach the host of a virtual machine by a way that no network namespace confines."""
    return opened({"AF_VSOCK": 40})


def sockets() -> list[str]:
    """Open sockets of the kernel's own kinds."""
    return opened({"AF_NETLINK": 16, "AF_PACKET": 17, "AF_ALG": 38, "AF_BLUETOOTH": 31})


def io_uring() -> list[str]:
    """Get round the filter: io_uring runs calls that it never sees."""
    calls = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}
    return [name for name, number in calls.items() if not system_call_denied(number, 0, 0, 0, 0, 0)]


def ptrace() -> list[str]:
    """Trace a process of the same user, our own child, or read its memory by a call."""
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    attach, seize, traceme = 16, 0x4206, 0
    leaks = []
    if X86:
        tries = ((attach, child), (seize, child), (traceme, 0))
        leaks = [
            f"ptrace {how}" for how, pid in tries if not system_call_denied(101, how, pid, 0, 0)
        ]
        calls = {"process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312}
        leaks += [name for name, number in calls.items() if not system_call_denied(number, child)]
    os.kill(child, 9)
    return leaks


def system_calls() -> list[str]:
    """Use system calls that ordinary programs have no need of."""
    common = {"pidfd_getfd": 438, "clone3": 435}
    x86 = {
        "bpf": 321,
        "perf_event_open": 298,
        "userfaultfd": 323,
        "keyctl": 250,
        "add_key": 248,
        "request_key": 249,
        "unshare": 272,
        "setns": 308,
        "mount": 165,
        "umount2": 166,
        "pivot_root": 155,
        "chroot": 161,
        "init_module": 175,
        "finit_module": 313,
        "kexec_load": 246,
        "reboot": 169,
        "settimeofday": 164,
        "syslog": 103,
        "shmget": 29,
        "msgget": 68,
        "semget": 64,
        "mq_open": 240,
        "memfd_create": 319,
    }
    calls = {**common, **(x86 if X86 else {})}
    leaks = [
        name for name, number in calls.items() if not system_call_denied(number, 0, 0, 0, 0, 0)
    ]
    new_user, signal_child = 0x10000000, 17
    if X86 and not system_call_denied(56, new_user | signal_child, 0, 0, 0, 0):
        leaks.append("clone(CLONE_NEWUSER)")
    return leaks


def runner() -> list[str]:
    """Get at pid 1, another user's process, which writes the results."""
    mode = {"mem": "r+b", "fd/0": "rb", "fd/1": "wb", "environ": "rb", "maps": "rb"}
    leaks = [
        f"opens /proc/1/{name}"
        for name, how in mode.items()
        if not refused(Path("/proc/1", name).open, how)
    ]
    if not refused(os.kill, 1, 9):
        leaks.append("signals pid 1")
    attach = 16
    if X86 and not system_call_denied(101, attach, 1, 0, 0):
        leaks.append("traces pid 1")
    return leaks


def environment() -> list[str]:
    """Find what the host's environment holds."""
    ours = {
        "PATH",
        "LANG",
        "HOME",
        "TMPDIR",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHASHSEED",
        "LC_CTYPE",
    }
    return [f"sees {name}" for name in os.environ if name not in ours]


def cpu_quota() -> list[str]:
    """Use more than one CPU: four processes that spin for 0.6 s of wall time."""
    until = time.monotonic() + 0.6
    began = time.monotonic()
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            while time.monotonic() < until:
                pass
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    times = os.times()
    used = times.children_user + times.children_system
    wall = time.monotonic() - began
    # The quota is refilled each 100 ms, and a short run may have two refills at its ends.
    return [f"used {used:.2f} s of CPU in {wall:.2f} s"] if used > wall + 0.35 else []


def memory() -> list[str]:
    """Take all memory."""
    taken = []
    for _ in range(4096):
        taken.append(bytearray(b"x") * MB)  # noqa: PERF401  # one by one, so that each is touched
    return ["takes 4 GB"]


def output() -> list[str]:
    """Print without end."""
    for _ in range(10_000):
        sys.stdout.write("x" * 65536)
    return ["prints 640 MB"]


def sleep() -> list[str]:
    """Wait, deaf to every signal that can be ignored."""
    import signal  # noqa: PLC0415  # only here

    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    time.sleep(60)
    return ["sleeps 60 s"]


def spin() -> list[str]:
    """Use CPU time in many short processes, none of which breaks its own limit."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if os.fork() == 0:
            sum(range(300_000))
            os._exit(0)
        os.wait()
    return ["spins 60 s"]


if __name__ == "__main__":
    sys.stdout.write(", ".join(globals()[sys.argv[1]]()) or "held")
