// Opens the kernel's other way to make system calls, which no filter sees.
// expect: accepted
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    char parameters[256] = {0};
    int opened = syscall(425, 8, parameters) >= 0; /* io_uring_setup */
    int seen = errno;
    opened |= syscall(427, -1, 0, 0, 0) >= 0 || errno == EBADF; /* io_uring_register */
    opened |= syscall(206, 1, parameters) >= 0; /* io_setup, of the older kind on x86 */
    printf(opened || seen == EINVAL ? "opened %s\n" : "held\n", strerror(seen));
}
