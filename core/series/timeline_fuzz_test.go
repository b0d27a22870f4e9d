package series

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/sandbox"
)

// hostileIndex makes pages of a time index whose headers are whole, and whose figures and entries
// are anything.
func hostileIndex(script []byte, inodes []uint64, now time.Time) []byte {
	const pageBytes, most = 4096, 5
	next := func() int64 {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		figures := []int64{0, 1, -1, 16, 32, 48, 100, now.UnixMilli(), math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, 1 << 61, -1 << 61, 1 << 40}
		return figures[int(b)%len(figures)] + int64(b>>4)
	}
	var text []byte
	for range most {
		if len(script) == 0 {
			break
		}
		page := append([]byte("sTI1"), 100, 0, 0, 0)
		for range 4 {
			page = binary.LittleEndian.AppendUint64(page, uint64(next()))
		}
		page = binary.LittleEndian.AppendUint64(page, inodes[int(uint64(next())%uint64(len(inodes)))])
		page = binary.LittleEndian.AppendUint32(page, crc32.Checksum(page, crc32.MakeTable(crc32.Castagnoli)))
		for range 20 {
			kind := uint64(next()) % 5
			page = binary.AppendUvarint(page, uint64(next())<<3|kind)
			switch kind {
			case 1, 2:
				page = binary.AppendUvarint(page, uint64(next()))
			case 3:
				page = binary.AppendVarint(page, next())
				page = binary.AppendUvarint(page, inodes[int(uint64(next())%uint64(len(inodes)))])
				page = binary.AppendUvarint(page, uint64(next())&1)
			}
		}
		text = append(text, page...)
		text = append(text, make([]byte, (pageBytes-len(text)%pageBytes)%pageBytes)...)
	}
	return text
}

// Whatever an index tells, reading with it ends, gives what is in the files, and has no panic.
func FuzzHostileTimes(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"), int64(0), int64(1), false)
	f.Add(bytes.Repeat([]byte("\x01\x13\x07\x08\x02\x09\x0a\x63\x1f"), 60), int64(math.MaxInt64), int64(math.MinInt64), true)
	f.Add(bytes.Repeat([]byte{0x00, 0x07, 0x01, 0x00, 0x01, 0x01, 0x03, 0x03, 0x00, 0x01, 0x01}, 40), int64(1_800_000_000_000), int64(1_900_000_000_000), true)
	f.Fuzz(hostileTimes)
}

// hostileTimes reads a series with an index that a script makes.
func hostileTimes(t *testing.T, script []byte, since, until int64, garble bool) {
	dir := t.TempDir()
	var inodes []uint64
	put := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("in a gzip file\nb\n"))
	require.NoError(t, z.Close())
	put("stdout.4.gz", packed.String())
	put("stdout.3", "a\nline that\ngoes on")
	put("stdout.2.gz", packed.String())
	put("stdout.1", " here\nfoo\n")
	put("stdout", "live\nno end")
	const whole = "in a gzip file\nb\na\nline that\ngoes onin a gzip file\nb\n here\nfoo\nlive\nno end"
	box, err := sandbox.Open(dir)
	require.NoError(t, err)
	defer box.Close()
	for _, name := range []string{"stdout", "stdout.1", "stdout.3", "stdout.2.gz"} {
		info, err := box.Stat(name)
		require.NoError(t, err)
		inodes = append(inodes, info.Inode)
	}
	index := hostileIndex(script, inodes, time.Now())
	put("stdout.times", string(index))
	policy, err := ReadPolicy("rotate 9\ncompress")
	require.NoError(t, err)
	s := New(box, "stdout", policy)
	defer s.Close()
	use := func(restrict func(r *Reader), follow bool) string {
		r, err := s.Read()
		require.NoError(t, err)
		defer r.Close()
		r.Notice = func(string) {}
		r.HasTimes()
		restrict(r)
		var out bytes.Buffer
		chunks := 0
		w := writerFunc(func(text []byte) (int, error) {
			for at := range text {
				_ = r.Stamp(text, at)
			}
			if chunks++; garble && len(index) > 0 {
				index[chunks*37%len(index)] ^= 1
				put("stdout.times", string(index))
			}
			return out.Write(text)
		})
		if follow {
			require.NoError(t, r.Follow(t.Context(), w, func() bool { return true }))
		} else {
			require.NoError(t, r.Copy(t.Context(), w))
		}
		return out.String()
	}
	require.Equal(t, whole, use(func(*Reader) {}, false))
	require.Equal(t, whole, use(func(*Reader) {}, true))
	part := use(func(r *Reader) {
		require.NoError(t, r.Until(time.UnixMilli(until)))
		require.NoError(t, r.Since(time.UnixMilli(since)))
		require.NoError(t, r.Last(3))
	}, false)
	require.Contains(t, whole, part)
}
