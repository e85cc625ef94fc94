// Makes system calls without the library: trace, vsock, io_uring, unshare, kill, setuid.
// expect: accepted
package main

import (
	"fmt"
	"syscall"
)

func main() {
	var done []string
	for name, call := range map[string][4]uintptr{
		"ptrace":   {syscall.SYS_PTRACE, 16, 1, 0},
		"vsock":    {syscall.SYS_SOCKET, 40, 1, 0},
		"packet":   {syscall.SYS_SOCKET, 17, 3, 0},
		"io_uring": {425, 8, 0, 0},
		"unshare":  {syscall.SYS_UNSHARE, 0x10000000, 0, 0},
		"kill":     {syscall.SYS_KILL, 1, 9, 0},
		"setuid":   {syscall.SYS_SETUID, 0, 0, 0},
		"mount":    {syscall.SYS_MOUNT, 0, 0, 0},
		"bpf":      {321, 0, 0, 0},
		"memfd":    {319, 0, 0, 0},
	} {
		_, _, err := syscall.RawSyscall(call[0], call[1], call[2], call[3])
		if err != syscall.EPERM && err != syscall.ENOSYS {
			done = append(done, fmt.Sprint(name, err))
		}
	}
	if done == nil {
		fmt.Println("held")
	} else {
		fmt.Println(done)
	}
}
