package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mountApart gives a mount of the directory that is nowhere in the tree (open_tree(2), Linux
// 5.2), or -1 if this process may not make one.
func mountApart(dir int) int {
	fd, err := unix.OpenTree(dir, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return -1
	}
	return fd
}

// MakeFIFO makes the FIFO of a stream, for the user that the container runs as, so
// that a task which is not root can open /dev/stdout.
func (d *Dir) MakeFIFO(id string, uid, gid int) error {
	name := id + fifoSuffix
	if err := unix.Mknodat(d.fd, name, unix.S_IFIFO|0o600, 0); err != nil {
		return fmt.Errorf("make FIFO %q in state_dir %q: %w", name, d.path, err)
	}
	if err := unix.Fchownat(d.fd, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return errors.Join(fmt.Errorf("give FIFO %q in state_dir %q to user %d: %w", name, d.path, uid, err), d.unlink(name))
	}
	return nil
}

// ErrNoFIFO says that a stream has no FIFO, or something else bears its name.
var ErrNoFIFO = errors.New("the stream has no FIFO")

// OpenReading opens the reading end, and never blocks. The caller takes the descriptor. A FIFO
// whose writers are gone reads as at its end. Errors: ErrNoFIFO, or the kernel's.
func (d *Dir) OpenReading(id string) (int, error) {
	fd, err := d.openFIFO(d.fd, id, unix.O_RDONLY|unix.O_NONBLOCK)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
		return -1, fmt.Errorf("%w: %w", ErrNoFIFO, err)
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("%w: %q in state_dir %q is no FIFO", ErrNoFIFO, id+fifoSuffix, d.path)
	}
	return fd, nil
}

// Inode identifies a pipe wherever it is open.
type Inode struct{ Device, Number uint64 }

// InodeOf gives the inode of a descriptor, or the zero value if that is not one.
func InodeOf(fd int) Inode {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return Inode{}
	}
	return Inode{st.Dev, st.Ino}
}

// FIFOs gives the ids of all streams that have a FIFO, by its inode.
func (d *Dir) FIFOs() (map[Inode]string, error) {
	ids, err := d.ids(fifoSuffix)
	if err != nil {
		return nil, err
	}
	all := make(map[Inode]string, len(ids))
	for _, id := range ids {
		var st unix.Stat_t
		if unix.Fstatat(d.fd, id+fifoSuffix, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			all[Inode{st.Dev, st.Ino}] = id
		}
	}
	return all, nil
}

// WatchFIFOs gives a file that becomes readable when names in the directory come or go
// (inotify(7)). The caller closes it.
func (d *Dir) WatchFIFOs() (*os.File, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch state_dir %q: %w", d.path, err)
	}
	_, err = unix.InotifyAddWatch(fd, fmt.Sprintf("/proc/self/fd/%d", d.fd), unix.IN_CREATE|unix.IN_DELETE|unix.IN_ONLYDIR)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("watch state_dir %q: %w", d.path, err)
	}
	return os.NewFile(uintptr(fd), "inotify"), nil
}

// TellsOfFIFOs tells whether events read from such a file can be about a FIFO.
func TellsOfFIFOs(events []byte) bool {
	for len(events) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(events[4:])
		end := min(len(events), unix.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(events[12:])))
		name := bytes.TrimRight(events[unix.SizeofInotifyEvent:end], "\x00")
		if mask&unix.IN_Q_OVERFLOW != 0 || bytes.HasSuffix(name, []byte(fifoSuffix)) {
			return true
		}
		events = events[end:]
	}
	return false
}

// OpenForContainer opens the end that a container writes into, for reading too, so
// that the container itself keeps the pipe alive: the death of every reader gives
// it neither SIGPIPE nor EPIPE, and the pipe keeps what it holds. The caller takes
// the descriptor. The reading end must be open already.
//
// If there is a mount apart, the end is opened there. Then a container cannot give the FIFO a
// name in its sandbox (linkat(2), EXDEV), by which a stranger could keep the stream from ending.
func (d *Dir) OpenForContainer(id string) (int, error) {
	if d.mount >= 0 {
		return d.openFIFO(d.mount, id, unix.O_RDWR)
	}
	return d.openFIFO(d.fd, id, unix.O_RDWR)
}

func (d *Dir) openFIFO(dir int, id string, flags int) (int, error) {
	name := id + fifoSuffix
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, fmt.Errorf("open FIFO %q in state_dir %q: %w", name, d.path, err)
		}
		return fd, nil
	}
}
