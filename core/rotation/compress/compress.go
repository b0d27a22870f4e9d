// Package compress holds the compression methods that need no program: gzip, zstd, xz
// and bzip2. Their output is what the programs of that name read.
//
// It copies from an open file to an open file and knows nothing of names. It refuses
// methods that are not built in; those are external commands.
package compress

import (
	"bufio"
	"cmp"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sluice/core/logrotate"
)

// writeBytes is the size of the writes to the output.
const writeBytes = 64 << 10

// Copy reads src to its end and writes it compressed to dst. On an error dst holds
// something useless. It blocks, and uses one thread.
func Copy(dst io.Writer, src io.Reader, method logrotate.Compressor) error {
	out := bufio.NewWriterSize(dst, writeBytes)
	encoder, release, err := encoderFor(out, method)
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	closed := false
	defer func() {
		if !closed { // an error, or a fault in the input
			_ = encoder.Close()
		}
	}()
	if _, err := io.Copy(encoder, src); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	closed = true
	if err := encoder.Close(); err != nil {
		return fmt.Errorf("compress: end of output: %w", err)
	}
	release()
	if err := out.Flush(); err != nil {
		return fmt.Errorf("compress: end of output: %w", err)
	}
	return nil
}

// encoderFor gives an encoder for one output. release keeps it for the next one; it must not be
// called after an error or a fault.
func encoderFor(out io.Writer, method logrotate.Compressor) (encoder io.WriteCloser, release func(), err error) {
	switch method.Program {
	case "gzip":
		level := cmp.Or(method.Level, 6) // gzip(1)
		return gzips.take(out, level, func() (*gzip.Writer, error) { return gzip.NewWriterLevel(out, level) })
	case "zstd":
		return zstdEncoder(out, zstd.EncoderLevelFromZstd(cmp.Or(method.Level, 3))) // zstd(1)
	case "xz":
		encoder, err = xzEncoder(out)
	case "bzip2":
		encoder, err = bzip2Encoder(out, method.Level)
	default:
		err = fmt.Errorf("%q is not built in", method.Program)
	}
	return encoder, func() {}, err
}
