package hostile

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// fileAttacks change the files of the series and what is about them.
var fileAttacks = []attack{
	{
		name: "policy shown in the sandbox edited", wants: "run", keeps: true,
		act: func(k *task) {
			k.storm(func() {
				k.plant("stdout.logrotate.conf", func(name string) error {
					return os.WriteFile(name, []byte("\"/*\" {\nprerotate\ntouch "+k.outside+"/ran\nendscript\n}\n"), 0o644)
				})
			})
		},
		check: func(t *testing.T, p proof) { require.NoFileExists(t, p.outside+"/ran") },
	},
	{
		name: "time index garbled", wants: "the agent's time", keeps: true,
		act: func(k *task) {
			k.storm(func() {
				_ = os.Truncate("stdout.times", int64(k.random(1<<40)))
				_ = os.WriteFile("stdout.times", []byte("sTI1"), 0o600)
				_ = os.Remove("stdout.times")
				_ = os.Mkdir("stdout.times", 0o700)
				_ = os.Remove("stdout.times")
			})
		},
	},
	{
		name: "live file renamed", wants: "the limit",
		act: func(k *task) { k.storm(func() { _ = os.Rename("stdout", "kept") }) },
	},
	{
		name: "live file removed", wants: "the limit", keeps: true,
		act: func(k *task) { k.storm(func() { _ = os.Remove("stdout") }) },
	},
	{
		name: "live file truncated", wants: "the limit", keeps: true,
		act: func(k *task) { k.storm(func() { _ = os.Truncate("stdout", int64(k.random(limitBytes))) }) },
	},
	{
		name: "live file extended", wants: "the agent's time",
		act: func(k *task) { k.storm(func() { _ = os.Truncate("stdout", 1<<40) }) },
	},
	{
		name: "live file extended, to be compressed", wants: "the agent's time", options: "rotate 1\ncompress",
		act: func(k *task) {
			k.print(1)
			k.await("00")
			k.must(os.Truncate("stdout", 1<<42))
			k.print(k.rounds)
		},
	},
	{
		name: "live file and sandbox without permissions", wants: "the agent's time", stops: true,
		act: func(k *task) {
			// By a descriptor: a directory without permissions has no "." either.
			sandbox, err := os.Open(".")
			k.must(err)
			k.storm(func() {
				_ = os.Chmod("stdout", 0)
				_ = sandbox.Chmod(0)
				_ = sandbox.Chmod(0o755)
			})
		},
	},
	{
		name: "live file made immutable", wants: "the agent's time", as: asRoot,
		act: func(k *task) { k.flag(unix.STATX_ATTR_IMMUTABLE) },
	},
	{
		name: "live file made append-only", wants: "the agent's time", as: asRoot,
		act: func(k *task) { k.flag(unix.STATX_ATTR_APPEND) },
	},
	{
		name: "leases on files of the series", wants: "the agent's time", options: "rotate 3\ncompress",
		act: func(k *task) { k.storm(k.lease) },
	},
	{
		name: "rotated files renamed among each other", wants: "the limit",
		act: func(k *task) {
			k.storm(func() {
				_ = os.Rename(fmt.Sprintf("stdout.%d", 1+k.random(4)), fmt.Sprintf("stdout.%d", 1+k.random(4)))
			})
		},
	},
	{
		name: "names that are hard to say", wants: "the agent's log", options: "rotate 3\ndateext",
		act: func(k *task) {
			for _, name := range []string{
				"stdout.\nE0101 forged", "stdout.\x1b[2J", "stdout-\xff\xfe", "stdout" + strings.Repeat("n", 249),
				"stdout.18446744073709551617", "stdout-20261122.2147483647", "stdout-20261122.-1", "stdout. 1",
			} {
				k.plant(name, k.directory)
				k.plant(name+"x"[:min(1, 255-len(name))], k.fifo)
			}
			k.print(k.rounds)
		},
	},
}

// flag sets an attribute of the live file, lets the log wait, and takes it away.
func (k *task) flag(attribute int) {
	const immutable, appendOnly = 0x10, 0x20 // FS_IMMUTABLE_FL, FS_APPEND_FL (linux/fs.h)
	flags := map[int]int{unix.STATX_ATTR_IMMUTABLE: immutable, unix.STATX_ATTR_APPEND: appendOnly}[attribute]
	k.print(1)
	k.await("00")
	f, err := os.Open("stdout")
	k.must(err)
	defer f.Close()
	before, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	k.must(err)
	k.must(unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, before|flags))
	k.print(4)
	k.must(unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, before))
	k.print(k.rounds)
}

// lease takes leases on whatever can be had: opening such a file would block.
func (k *task) lease() {
	for _, name := range []string{"stdout", "stdout.1", "stdout.2"} {
		if k.random(4) == 0 {
			k.plant("new", func(name string) error { return os.WriteFile(name, []byte("mine\n"), 0o644) })
			_ = os.Rename("new", name)
		}
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
		_ = unix.Close(fd)
	}
}
