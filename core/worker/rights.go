package worker

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kept are the only capabilities of a worker thread: they let it take the identity of a user,
// and give no rights on files. In particular, CAP_SYS_RESOURCE (reserved blocks, quotas),
// CAP_DAC_*, CAP_FOWNER and CAP_CHOWN are gone.
const kept = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID

// fileRights are root's rights on files, for a process that serves only files of its own user:
// it can write a log that has another owner, and keep that owner. CAP_SYS_RESOURCE is not among
// them.
const fileRights = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH |
	1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID

// shedCapabilities gives up for good all capabilities of the calling thread except kept.
func shedCapabilities(kept uint32) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData // low and high 32 capabilities
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("read the capabilities of a worker thread: %w", err)
	}
	data[0] = unix.CapUserData{Effective: data[0].Effective & kept, Permitted: data[0].Permitted & kept}
	data[1] = unix.CapUserData{}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("drop the capabilities of a worker thread: %w", err)
	}
	return nil
}

// rights is the file-system identity of one thread. Its methods must run on that
// thread.
type rights struct{ now Identity }

// own reads what the calling thread has at its start.
func own() (rights, error) {
	self, err := Self()
	return rights{now: self}, err
}

// take makes id the identity of the calling thread. On an error the thread may
// have part of it and must run nothing before the next successful take.
func (r *rights) take(id Identity) error {
	if r.now.Equal(id) {
		return nil
	}
	r.now = Identity{UID: -1, GID: -1}
	host.open()
	defer host.close()
	var groups unsafe.Pointer
	if len(id.Groups) > 0 {
		groups = unsafe.Pointer(&id.Groups[0])
	}
	// Not unix.Setgroups: Go makes that one change every thread of the process.
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(id.Groups)), uintptr(groups), 0); errno != 0 {
		return fmt.Errorf("take the %d groups of uid %d: %w", len(id.Groups), id.UID, errno)
	}
	if err := setFilesystemID(unix.SYS_SETFSGID, id.GID); err != nil {
		return fmt.Errorf("take group %d: %w", id.GID, err)
	}
	if err := setFilesystemID(unix.SYS_SETFSUID, id.UID); err != nil {
		return fmt.Errorf("take user %d: %w", id.UID, err)
	}
	r.now = id
	return nil
}

// setFilesystemID sets an id and verifies it: setfsuid(2) and setfsgid(2) report no errors,
// but a call with an invalid id returns the present one.
func setFilesystemID(trap uintptr, id int) error {
	_, _, _ = unix.RawSyscall(trap, uintptr(id), 0, 0)
	now, _, _ := unix.RawSyscall(trap, ^uintptr(0), 0, 0)
	if int(now) != id {
		return unix.EPERM
	}
	return nil
}
