package compress

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/xi2/xz"
)

// Errors of compressed files; match with errors.Is.
var (
	// ErrDamaged says that a compressed file does not hold what was put into it.
	ErrDamaged = errors.New("the compressed file is damaged")
	// ErrMethod says that a file is compressed by a program that is not built in.
	ErrMethod = errors.New("compressed by a method that is not built in")
)

// readAheadBytes is how much of a compressed file is read at a time.
const readAheadBytes = 128 << 10

// maxWindowBytes bounds what a zstd frame may ask for: the file is the task's.
const maxWindowBytes = 128 << 20

// maxXzBytes is the same for the dictionary of an xz file: what `xz -9` asks for.
const maxXzBytes = 64 << 20

// Expand gives the contents of a compressed file, which it reads from the beginning. The first
// bytes tell the method, as compressext may say anything. The caller closes the result; reading
// it may give ErrDamaged.
func Expand(from io.Reader) (io.ReadCloser, error) { return ExpandWithin(from, maxWindowBytes) }

// ExpandWithin is Expand for callers who have no more memory to give than windowBytes and some.
// A file that wants more gives ErrDamaged, with a text that says so.
func ExpandWithin(from io.Reader, windowBytes uint64) (io.ReadCloser, error) {
	in := bufio.NewReaderSize(from, readAheadBytes)
	magic, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case len(magic) >= 2 && magic[0] == 0x1f && magic[1] == 0x8b:
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return &expanded{z, func() { _ = z.Close() }}, nil
	case string(magic) == "\x28\xb5\x2f\xfd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(windowBytes))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return &expanded{z, z.Close}, nil
	case string(magic) == "\xfd7zX":
		z, err := xz.NewReader(in, uint32(min(maxXzBytes, windowBytes)))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return &expanded{z, func() {}}, nil
	case string(magic[:min(3, len(magic))]) == "BZh":
		return &expanded{bzip2.NewReader(in), func() {}}, nil
	case len(magic) < 4:
		return nil, fmt.Errorf("%w: it has %d bytes", ErrDamaged, len(magic))
	}
	return nil, fmt.Errorf("%w: it begins with %x; expected gzip, zstd, xz or bzip2", ErrMethod, magic)
}

// expanded gives the errors of a decompressor the package's name.
type expanded struct {
	from io.Reader
	end  func()
}

func (e *expanded) Read(p []byte) (int, error) {
	n, err := e.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}

func (e *expanded) Close() error {
	e.end()
	return nil
}
