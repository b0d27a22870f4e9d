package compress

import (
	"io"

	"github.com/dsnet/compress/bzip2"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// xzDictionaryBytes is how far back xz looks. That is the main difference between the levels of
// xz(1), up to 64 MiB. A compression takes some twenty times as much memory, and the process is
// the agent.
const xzDictionaryBytes = 1 << 20

// xzEncoder compresses as xz(1) does at its lowest levels, whatever the level asked for.
func xzEncoder(out io.Writer) (io.WriteCloser, error) {
	config := xz.WriterConfig{DictCap: xzDictionaryBytes, CheckSum: xz.CRC64, Matcher: lzma.HashTable4}
	return config.NewWriter(out)
}

// bzip2Encoder compresses as bzip2(1) does; the level is the size of a block.
func bzip2Encoder(out io.Writer, level int) (io.WriteCloser, error) {
	if level == 0 {
		level = bzip2.BestCompression // bzip2(1)
	}
	return bzip2.NewWriter(out, &bzip2.WriterConfig{Level: level})
}
