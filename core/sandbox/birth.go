package sandbox

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Birth distinguishes a file from any later one with the same inode number, as far as the file
// system tells.
type Birth struct {
	UnixNano   int64  // when it was made (statx(2), STATX_BTIME); 0: unknown
	Generation uint32 // of its inode (ioctl_iflags(2), FS_IOC_GETVERSION); 0: unknown
}

// getVersion is FS_IOC_GETVERSION, _IOR('v', 1, long), which golang.org/x/sys lacks.
const getVersion = 2<<30 | unsafe.Sizeof(int(0))<<16 | 'v'<<8 | 1

// BirthOf looks at an open file. What the file system does not give is 0: ext4, XFS and btrfs
// give both, tmpfs, which does not reuse numbers, gives the time, and NFS may give neither.
func BirthOf(f *os.File) (b Birth) {
	var st unix.Statx_t
	err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &st)
	if err == nil && st.Mask&unix.STATX_BTIME != 0 {
		b.UnixNano = st.Btime.Sec*1e9 + int64(st.Btime.Nsec)
	}
	// The kernel writes only 4 of the 8 bytes that the call's number announces.
	if version, err := unix.IoctlGetInt(int(f.Fd()), uint(getVersion)); err == nil {
		b.Generation = uint32(version) ^ uint32(uint64(version)>>32)
	}
	return b
}

// Differs says that two files with one inode number are not the same file. A value that
// either of them lacks says nothing.
func (b Birth) Differs(from Birth) bool {
	return b.UnixNano != 0 && from.UnixNano != 0 && b.UnixNano != from.UnixNano ||
		b.Generation != 0 && from.Generation != 0 && b.Generation != from.Generation
}
