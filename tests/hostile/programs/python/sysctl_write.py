# Changes the kernel's settings: where cores go, what handles unknown programs, a crash.
# expect: accepted
written = []
for path in (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/unprivileged_bpf_disabled",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sysrq-trigger",
    "/sys/kernel/uevent_helper",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/power/state",
    "/proc/self/uid_map",
    "/proc/self/setgroups",
):
    try:
        with open(path, "w") as file:
            file.write("0")
        written.append(path)
    except OSError:
        pass
print(written or "held")
