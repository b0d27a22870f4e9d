package hostile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// pipeAttacks use the descriptors that the task was given.
var pipeAttacks = []attack{
	{
		name: "pipe shrunk and enlarged", wants: "the agent's time", keeps: true,
		act: func(k *task) {
			k.storm(func() {
				_, _ = unix.FcntlInt(1, unix.F_SETPIPE_SZ, 4096<<k.random(9))
			})
		},
	},
	{
		name: "pipe made non-blocking", wants: "the agent's time", keeps: true,
		act: func(k *task) {
			k.must(unix.SetNonblock(1, true))
			for range k.rounds {
				_, _ = unix.Write(1, []byte(numbered(1)))
			}
		},
	},
	{
		name: "pipe read by the task itself", wants: "another log", keeps: true,
		act: func(k *task) {
			fd, err := unix.Open("/proc/self/fd/1", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
			k.must(err)
			buffer := make([]byte, 100)
			k.storm(func() { _, _ = unix.Read(fd, buffer) })
		},
	},
	{
		name: "pages given to the pipe and changed afterwards", wants: "the limit", keeps: true,
		act: func(k *task) {
			page := make([]byte, limitBytes)
			for range k.rounds {
				copy(page, numbered(1))
				iov := []unix.Iovec{{Base: &page[0], Len: limitBytes}}
				_, _ = unix.Vmsplice(1, iov, 0)
				clear(page)
			}
		},
	},
	{
		name: "state directory by the descriptor", wants: "another log", keeps: true,
		act: func(k *task) {
			own, err := os.Readlink("/proc/self/fd/1")
			k.must(err)
			// The pipe is on a mount of its own, where the kernel can make one: it has no directory.
			if dir := filepath.Dir(own); dir != "/" && dir != k.stateDir || filepath.Ext(own) != ".fifo" {
				k.fail("stdout is %q, not of the state directory", own)
			}
			pipe := filepath.Join(k.stateDir, filepath.Base(own))
			for _, path := range []string{
				k.stateDir, k.stateDir + "/lock", "/proc/self/fd/1/../lock", k.stateDir + "/settings", pipe,
			} {
				for _, flags := range []int{unix.O_RDONLY, unix.O_WRONLY, unix.O_PATH} {
					fd, err := unix.Open(path, flags|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
					reached := err == nil && (path != k.stateDir || flags != unix.O_PATH)
					if reached {
						k.fail("%s could be opened", path)
					}
					if err == nil {
						_ = unix.Close(fd)
					} else if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.EISDIR) {
						k.fail("open %s: %v", path, err)
					}
				}
			}
			k.print(k.rounds)
		},
	},
	{
		// A worker thread has the task's user as its fsuid: that must not open the agent
		// to the task.
		name: "agent reached through its threads", wants: "another log", keeps: true,
		act: func(k *task) {
			for _, pid := range k.names("/proc") {
				n, err := strconv.Atoi(pid)
				if err != nil {
					continue
				}
				var st unix.Stat_t
				if unix.Stat("/proc/"+pid, &st) != nil || st.Uid != 0 {
					continue
				}
				if unix.Kill(n, 0) == nil {
					k.fail("process %d of root takes signals", n)
				}
				for _, tid := range k.names("/proc/" + pid + "/task") {
					path := "/proc/" + pid + "/task/" + tid + "/fd"
					if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
						k.fail("%s can be read", path)
					}
				}
			}
			k.print(k.rounds)
		},
	},
}
