package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/stream"
	"sluice/tests/kit"
)

// pipeTo makes a pipe and what serves its reading end into `name` of sandbox "pipe".
func (b *testbed) pipeTo(name string) (config PipeConfig, writer *os.File) {
	b.t.Helper()
	var fds [2]int
	require.NoError(b.t, unix.Pipe2(fds[:], unix.O_CLOEXEC))
	require.NoError(b.t, unix.SetNonblock(fds[0], true))
	path := filepath.Join(b.sandbox("pipe"), name)
	container, _, err := b.module.ForTask(nil, "", filepath.Dir(path))
	require.NoError(b.t, err)
	return PipeConfig{
		Input: fds[0], Path: path, Module: b.module, Stream: container.Stdout, Log: b.logger(),
	}, os.NewFile(uintptr(fds[1]), "writer")
}

// sevenDigits is n lines of 8 bytes.
func sevenDigits(n int) []byte { return kit.Lines(n, 8) }

func TestPipeEndsWithItsWriter(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100")
	want := sevenDigits(20000)
	for i, half := range [][]byte{want[:80000], want[80000:]} {
		config, writer := b.pipeTo("app.log")
		go func() {
			_, _ = writer.Write(half)
			_ = writer.Close()
		}()
		account, err := ServePipe(t.Context(), config)
		require.NoError(t, err)
		assert.Equal(t, int64(80000), account.WrittenBytes)
		assert.Equal(t, int64(10000), account.WrittenLines)
		assert.Equal(t, []int64{4, 5}[i], account.Rotations, "the second goes on in the file of the first")
	}
	assert.Equal(t, want, b.series("pipe", "app.log", 16<<10))
	names, err := filepath.Glob(filepath.Join(b.sandbox("pipe"), ".*"))
	require.NoError(t, err)
	assert.Empty(t, names, "nothing of ours is left behind")
}

func TestPipeFinishesCompressions(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100\ncompress")
	config, writer := b.pipeTo("app.log")
	go func() {
		_, _ = writer.Write(sevenDigits(10000))
		_ = writer.Close()
	}()
	_, err := ServePipe(t.Context(), config)
	require.NoError(t, err)
	for n := 1; n <= 4; n++ {
		assert.FileExists(t, filepath.Join(b.sandbox("pipe"), fmt.Sprintf("app.log.%d.gz", n)))
		assert.NoFileExists(t, filepath.Join(b.sandbox("pipe"), fmt.Sprintf("app.log.%d", n)))
	}
}

func TestPipeThatIsToldToStopMovesWhatIsThere(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100")
	config, writer := b.pipeTo("app.log")
	defer writer.Close()
	want := sevenDigits(4000)
	_, err := writer.Write(want)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	account, err := ServePipe(ctx, config)
	require.NoError(t, err)
	assert.Equal(t, int64(len(want)), account.WrittenBytes)
	assert.Equal(t, want, b.series("pipe", "app.log", 16<<10))
	_, err = writer.WriteString("nobody reads")
	assert.ErrorIs(t, err, unix.EPIPE, "the reading end is closed")
}

func TestPipeHasItsFileForItself(t *testing.T) {
	b := newTestbed(t)
	first, writer := b.pipeTo("app.log")
	done := make(chan stream.Account)
	go func() {
		account, err := ServePipe(t.Context(), first)
		assert.NoError(t, err)
		done <- account
	}()
	lock := filepath.Join(b.sandbox("pipe"), ".app.log.sluice-lock")
	waitFor(func() bool { _, err := os.Stat(first.Path); return err == nil })
	assert.FileExists(t, lock)

	second, other := b.pipeTo("app.log")
	_, err := ServePipe(t.Context(), second)
	require.ErrorIs(t, err, ErrServed)
	assert.ErrorContains(t, err, first.Path)
	require.NoError(t, other.Close())

	beside, other := b.pipeTo("other.log")
	require.NoError(t, other.Close())
	_, err = ServePipe(t.Context(), beside)
	require.NoError(t, err, "another file of the directory")

	_, err = writer.WriteString("still served\n")
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	assert.Equal(t, int64(13), (<-done).WrittenBytes)
	assert.NoFileExists(t, lock)
}

func TestPipeRefusesAPlaceThatIsNone(t *testing.T) {
	b := newTestbed(t)
	config, writer := b.pipeTo("app.log")
	defer writer.Close()
	config.Path = filepath.Join(b.sandbox("pipe"), "missing", "app.log")
	_, err := ServePipe(t.Context(), config)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, filepath.Dir(config.Path))
}

func TestPipeOnAFullDisk(t *testing.T) {
	b := newTestbed(t, "full_wait", "50ms", "max_stdout_size", "64KB", "logrotate_stdout_options", "rotate 1000", "evict_on_full", "false")
	b.smallDisk("4m")
	config, writer := b.pipeTo("stdout")
	free := b.ballast(512 << 10)
	done := make(chan stream.Account)
	go func() {
		account, err := ServePipe(t.Context(), config)
		assert.NoError(t, err)
		done <- account
	}()
	input := numbered(40000, 100)
	write(t, writer, input[:3000000])
	free()
	write(t, writer, input[3000000:])
	require.NoError(t, writer.Close())
	account := <-done
	proof := b.proveGaps(Metrics{Account: account}, "pipe", 64<<10, input)
	assert.Positive(t, proof.Bytes)
	assert.Equal(t, account.DroppedBytes, account.Dropped[stream.NoSpace].Bytes)
}
