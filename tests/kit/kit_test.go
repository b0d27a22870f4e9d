package kit

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLines(t *testing.T) {
	assert.Equal(t, "000\n001\n", string(Lines(2, 4)))
	assert.Equal(t, "09\n10\n", string(LinesFrom(9, 2, 3)))
	assert.Equal(t, "100\n", string(LinesFrom(100, 1, 2)))
}

func TestSeries(t *testing.T) {
	box, old := t.TempDir(), t.TempDir()
	zipped := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return b.String()
	}
	encoder, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	for path, text := range map[string]string{
		box + "/stdout": "live", box + "/stdout.1": "one\n", box + "/stdout.1.gz": "under way",
		box + "/stdout.2.gz": zipped("two\n"), old + "/stdout.10.zst": string(encoder.EncodeAll([]byte("ten\n"), nil)),
		box + "/stdout.logrotate.conf": "no log", box + "/stdout2": "nor this", box + "/stderr-20261129": "a\n",
		box + "/stderr-20261128.2": "b\n", box + "/stderr-20261128.10": "c\n",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	assert.Equal(t, "ten\ntwo\none\nlive", string(Joined(t, 4, box, "stdout", old)))
	assert.Equal(t, "b\nc\na\n", string(Joined(t, 4, box, "stderr", filepath.Join(box, "no such"))))
}

func TestWaitingSaysForWhat(t *testing.T) {
	assert.True(t, holdsWithin(time.Minute, func() bool { return true }))
	assert.False(t, holdsWithin(0, func() bool { return false }))
	var said string
	waitNever := func(_ func() bool) { said = waitingCall() }
	wait(waitNever)
	assert.Regexp(t, `kit_test.go:\d+\n\twait\(waitNever\)$`, said)
	file := filepath.Join(t.TempDir(), "x.go")
	require.NoError(t, os.WriteFile(file, []byte("\tuntil(func() bool {\n\t\treturn no\n\t})\n\tnext()\n"), 0o600))
	assert.Equal(t, "\tuntil(func() bool {\n\t\treturn no\n\t})", sourceOf(file, 1))
	assert.Equal(t, "\tnext()", sourceOf(file, 4))
}

// wait has a frame of its own, as a helper of a test.
func wait(until func(func() bool)) { until(nil) }
