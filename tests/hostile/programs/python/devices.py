# Opens what would be the host's: memory, disks, consoles, virtual machines.
# expect: accepted
import os

names = (
    "mem kmem port kvm sda vda nvme0 loop0 loop-control fuse net/tun vsock vhost-vsock kmsg"
    " console tty0 ttyS0 userfaultfd cpu/0/msr mapper/control snapshot"
)
opened = []
for name in names.split():
    for flags in (os.O_RDONLY, os.O_WRONLY):
        try:
            os.close(os.open(f"/dev/{name}", flags | os.O_NONBLOCK))
            opened.append(name)
        except OSError:
            pass
known = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "core", "fd", "shm"}
known |= {"stdin", "stdout", "stderr", "mqueue", "console"}
print(opened or sorted(set(os.listdir("/dev")) - known) or "held")
