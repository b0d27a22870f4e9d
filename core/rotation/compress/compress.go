// Package compress holds the compression methods that need no program: gzip, zstd, xz
// and bzip2. Their output is what the programs of that name read.
//
// It copies from an open file to an open file and knows nothing of names. It refuses
// methods that are not built in; those are external commands.
package compress

import (
	"bufio"
	"fmt"
	"io"
	"sluice/core/logrotate"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// writeBytes is the size of the writes to the output.
const writeBytes = 64 << 10

// Copy reads src to its end and writes it compressed to dst. On an error dst holds
// something useless. It blocks, and uses one thread.
func Copy(dst io.Writer, src io.Reader, method logrotate.Compressor) error {
	out := bufio.NewWriterSize(dst, writeBytes)
	encoder, err := encoder(out, method)
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	if _, err := io.Copy(encoder, src); err != nil {
		_ = encoder.Close()
		return fmt.Errorf("compress: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return fmt.Errorf("compress: end of output: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("compress: end of output: %w", err)
	}
	return nil
}

func encoder(out io.Writer, method logrotate.Compressor) (io.WriteCloser, error) {
	switch method.Program {
	case "gzip":
		level := method.Level
		if level == 0 {
			level = 6 // gzip(1)
		}
		return gzip.NewWriterLevel(out, level)
	case "zstd":
		level := method.Level
		if level == 0 {
			level = 3 // zstd(1)
		}
		return zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
			zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)))
	case "xz":
		return xzEncoder(out)
	case "bzip2":
		return bzip2Encoder(out, method.Level)
	}
	return nil, fmt.Errorf("%q is not built in", method.Program)
}
