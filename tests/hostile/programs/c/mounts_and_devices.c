// Mounts, changes its root, makes devices.
// expect: accepted
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int main(void)
{
    int done = 0;
    mkdir("root", 0755);
    done |= mount("none", "root", "tmpfs", 0, 0) == 0;
    done |= (mount("/", "root", 0, MS_BIND, 0) == 0) << 1;
    done |= (mount(0, "/", 0, MS_REMOUNT | MS_BIND, 0) == 0) << 2;
    done |= (umount2("/work", MNT_DETACH) == 0) << 3;
    done |= (chroot("root") == 0) << 4;
    done |= (syscall(SYS_pivot_root, "root", "root") == 0) << 5;
    done |= (mknod("memory", S_IFCHR | 0600, makedev(1, 1)) == 0) << 6;
    done |= (mknod("disk", S_IFBLK | 0600, makedev(254, 0)) == 0) << 7;
    done |= (syscall(428, -1, "/", 1) >= 0) << 8; /* open_tree */
    done |= (syscall(430, "tmpfs", 0) >= 0) << 9; /* fsopen */
    printf(done ? "did %x\n" : "held\n", done);
}
