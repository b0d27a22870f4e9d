package series

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"

	"sluice/core/sandbox"
)

// packedFrom says that a compressed file is the compressed form of a held plain one,
// which has no name any more. Files that were finished within one tick of the kernel's
// clock have the same time: then the content decides. Only equal files of one tick, such
// as `yes` makes of the smallest limits, can be taken for one another.
func packedFrom(f *os.File, info sandbox.Info, plain *link) bool {
	if plain.f == nil || plain.compressed {
		return false
	}
	links, err := plain.refresh()
	if err != nil || links > 0 || !info.ModTime.Equal(plain.modTime) {
		return false
	}
	var magic [2]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil {
		return false
	}
	if magic != [2]byte{0x1f, 0x8b} {
		return samePacked(f, plain)
	}
	// RFC 1952: a gzip file ends with the CRC and the length of its content.
	var trailer [8]byte
	if _, err := f.ReadAt(trailer[:], info.Size-int64(len(trailer))); err != nil {
		return false
	}
	if binary.LittleEndian.Uint32(trailer[4:]) != uint32(plain.size) {
		return false
	}
	sum := crc32.NewIEEE()
	_, err = io.Copy(sum, io.NewSectionReader(plain.f, 0, plain.size))
	return err == nil && sum.Sum32() == binary.LittleEndian.Uint32(trailer[:])
}

// samePacked compares sums of the whole content. What cannot be expanded here is
// taken by its time alone.
func samePacked(f *os.File, plain *link) bool {
	content, err := Expand(io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return true
	}
	defer content.Close()
	packed, whole := crc32.NewIEEE(), crc32.NewIEEE()
	n, err := io.Copy(packed, content)
	if err != nil || n != plain.size {
		return false
	}
	_, err = io.Copy(whole, io.NewSectionReader(plain.f, 0, plain.size))
	return err == nil && packed.Sum32() == whole.Sum32()
}
