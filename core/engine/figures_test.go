package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A task makes its files as long as it likes, at no cost, and the agent starts again: the
// figures of the node are those of what was written.
func TestLongFilesForgeNoFigures(t *testing.T) {
	const long = 15 << 40
	output := []byte("a line\nand one more\n")
	for name, lengthen := range map[string]func(t *testing.T, live string){
		"far over the limit": func(t *testing.T, live string) { require.NoError(t, os.Truncate(live, long)) },
		"within the limit":   func(t *testing.T, live string) { require.NoError(t, os.Truncate(live, 9<<20)) },
		"emptied first": func(t *testing.T, live string) {
			require.NoError(t, os.Truncate(live, 0))
			require.NoError(t, os.Truncate(live, long))
		},
		"emptied": func(t *testing.T, live string) { require.NoError(t, os.Truncate(live, 0)) },
	} {
		for _, options := range []string{"rotate 3", "rotate 0"} {
			t.Run(name+", "+options, func(t *testing.T) {
				b := newTestbed(t, "times", "false", "logrotate_stdout_options", options)
				e := b.open()
				stdout, stderr := b.prepare(e, "c")
				require.NoError(t, stderr.Close())
				_, err := stdout.Write(output)
				require.NoError(t, err)
				written := int64(len(output))
				eventually(t, "it is written", func() bool {
					return e.Metrics().WrittenBytes == written && e.Metrics().Streams == 1 && resting(e)
				})
				live := filepath.Join(b.sandbox("c"), "stdout")
				lengthen(t, live)
				for range 2 {
					e.Close()
					e = b.open()
					m := e.Metrics()
					// What is not there any more nobody knows; nothing is invented.
					assert.LessOrEqual(t, m.WrittenBytes, written)
					assert.GreaterOrEqual(t, m.WrittenBytes, int64(0))
					if name != "emptied" && name != "emptied first" {
						assert.Equal(t, written, m.WrittenBytes)
					}
					assert.LessOrEqual(t, m.DiskBytes, int64(4<<10), "of blocks")
				}
				require.NoError(t, stdout.Close())
				waitEnded(e)
				assert.LessOrEqual(t, e.Metrics().WrittenBytes, written)
				e.Close()
			})
		}
	}
}
