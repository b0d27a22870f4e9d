package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Info is what stat says of a name, without following a link.
type Info struct {
	Name     string
	Mode     os.FileMode // type and permission bits
	Size     int64       // bytes
	Disk     int64       // bytes of its blocks: fewer where it has holes
	ModTime  time.Time
	UID, GID int
	Links    uint64
	Inode    uint64
	Device   uint64
}

// blockBytes is the unit of st_blocks (stat(2)).
const blockBytes = 512

// Ours says that the file is of the kind that the logger makes: regular, with one name.
func (i Info) Ours() bool { return i.Mode.IsRegular() && i.Links == 1 }

// kind says in words what a file that is not ours is.
func (i Info) kind() string {
	switch i.Mode.Type() {
	case 0:
		return fmt.Sprintf("a file with %d names", i.Links)
	case os.ModeSymlink:
		return "a link"
	case os.ModeDir:
		return "a directory"
	case os.ModeNamedPipe:
		return "a FIFO"
	case os.ModeSocket:
		return "a socket"
	}
	return "a device node"
}

// Stat looks at a name. A missing one gives fs.ErrNotExist.
func (d *Dir) Stat(name string) (Info, error) {
	if err := checkName(name); err != nil {
		return Info{}, err
	}
	var st unix.Stat_t
	if err := unix.Fstatat(d.at(), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return Info{}, fmt.Errorf("stat %q: %w", name, err)
	}
	return infoOf(name, &st), nil
}

// Create makes a new file with exactly the permission bits of mode (no umask),
// open for reading and writing, owned by the acting identity. A name that exists
// gives fs.ErrExist. The caller takes the descriptor.
func (d *Dir) Create(name string, mode os.FileMode) (*os.File, error) {
	fd, err := d.open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create %q: %w", name, err)
	}
	if err := unix.Fchmod(fd, uint32(mode.Perm())); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("set mode of %q: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Pin opens what has a name, whatever it is and whoever may read it: while the descriptor is
// open, no other file gets its inode number. A missing one gives fs.ErrNotExist; a link is not
// followed. The caller takes the descriptor, which is good for nothing else.
func (d *Dir) Pin(name string) (*os.File, Info, error) {
	fd, err := d.open(name, unix.O_PATH, 0)
	if err != nil {
		return nil, Info{}, fmt.Errorf("open %q: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	info, err := StatFile(f)
	if err != nil {
		_ = f.Close()
		return nil, Info{}, err
	}
	return f, info, nil
}

// OpenRead opens a regular file with one name for reading. Anything else gives ErrImpostor, and
// a file that is removed at that moment fs.ErrNotExist. It never blocks on a FIFO. The caller
// takes the descriptor.
func (d *Dir) OpenRead(name string) (*os.File, error) {
	return d.openOurs(name, unix.O_RDONLY, openAs)
}

// OpenWrite is like OpenRead, for reading and writing at explicit offsets (not O_APPEND, which
// splice refuses).
func (d *Dir) OpenWrite(name string) (*os.File, error) {
	return d.openOurs(name, unix.O_RDWR, openAs)
}

// OpenOwnRead is OpenRead for a file that the logger made: its owner can open it whatever its
// permission bits, since the policy may leave it none.
func (d *Dir) OpenOwnRead(name string) (*os.File, error) {
	return d.openOurs(name, unix.O_RDONLY, openAsOwner)
}

// OpenOwnWrite is OpenWrite for such a file.
func (d *Dir) OpenOwnWrite(name string) (*os.File, error) {
	return d.openOurs(name, unix.O_RDWR, openAsOwner)
}

// openOurs looks at what has the name before it opens it: opening a device node acts on the
// device (a watchdog starts, a tape rewinds), whoever may use it.
func (d *Dir) openOurs(name string, flags int, open opener) (*os.File, error) {
	seen, info, err := d.Pin(name)
	if err != nil {
		return nil, err
	}
	defer seen.Close()
	switch {
	case info.Links == 0:
		// It had the name when it was looked at, and has been removed since.
		return nil, fmt.Errorf("open %q: %w", name, fs.ErrNotExist)
	case !info.Ours():
		return nil, fmt.Errorf("open %q: %w but %s", name, ErrImpostor, info.kind())
	}
	// This opens the very file that was looked at (proc(5), /proc/PID/fd), with the rights
	// that the thread has now.
	fd, err := open(descriptorPath(int(seen.Fd())), flags, info)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// opener opens what was looked at, by a path that leads to nothing else.
type opener func(path string, flags int, seen Info) (fd int, err error)

func openAs(path string, flags int, _ Info) (int, error) {
	return ignoringEINTR(func() (int, error) { return unix.Open(path, flags|unix.O_CLOEXEC, 0) })
}

// ownerBits let the owner of a file read and write it.
const ownerBits = 0o600

// openAsOwner gives the owner the missing permission for as long as the opening takes. Others
// may not do that (EPERM), and get the error of open(2).
func openAsOwner(path string, flags int, seen Info) (int, error) {
	fd, err := openAs(path, flags, seen)
	if !errors.Is(err, unix.EACCES) || unix.Chmod(path, uint32(seen.Mode.Perm()|ownerBits)) != nil {
		return fd, err
	}
	fd, err = openAs(path, flags, seen)
	if back := unix.Chmod(path, uint32(seen.Mode.Perm())); back != nil && err == nil {
		return -1, errors.Join(fmt.Errorf("give the mode %04o back: %w", seen.Mode.Perm(), back), unix.Close(fd))
	}
	return fd, err
}

// descriptorPath is a name of an open file, for calls that want one. Its name in the sandbox
// may be another file's by now. /proc/self would be the first thread's table of descriptors.
func descriptorPath(fd int) string { return fmt.Sprintf("/proc/thread-self/fd/%d", fd) }

func (d *Dir) open(name string, flags int, mode uint32) (int, error) {
	if err := checkName(name); err != nil {
		return -1, err
	}
	return ignoringEINTR(func() (int, error) {
		return unix.Openat(d.at(), name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
	})
}

// StatFile looks at an open file; Info.Name is the name it was opened by.
func StatFile(f *os.File) (Info, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return Info{}, fmt.Errorf("stat %q: %w", f.Name(), err)
	}
	return infoOf(f.Name(), &st), nil
}

func infoOf(name string, st *unix.Stat_t) Info {
	return Info{
		Name:    name,
		Mode:    fileMode(st.Mode),
		Size:    st.Size,
		Disk:    st.Blocks * blockBytes,
		ModTime: time.Unix(st.Mtim.Sec, st.Mtim.Nsec),
		UID:     int(st.Uid),
		GID:     int(st.Gid),
		Links:   uint64(st.Nlink), //nolint:unconvert // narrower on other architectures
		Inode:   st.Ino,
		Device:  st.Dev,
	}
}

func fileMode(mode uint32) os.FileMode {
	m := os.FileMode(mode & 0o777)
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		m |= os.ModeDir
	case unix.S_IFLNK:
		m |= os.ModeSymlink
	case unix.S_IFIFO:
		m |= os.ModeNamedPipe
	case unix.S_IFSOCK:
		m |= os.ModeSocket
	default:
		m |= os.ModeDevice
	}
	if mode&unix.S_ISUID != 0 {
		m |= os.ModeSetuid
	}
	if mode&unix.S_ISGID != 0 {
		m |= os.ModeSetgid
	}
	if mode&unix.S_ISVTX != 0 {
		m |= os.ModeSticky
	}
	return m
}
