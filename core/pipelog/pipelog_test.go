package pipelog

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/settings"
	"sluice/core/stream"
	"sluice/tests/kit"
	"sluice/tests/lossproof"
)

// bed is a directory for logs.
type bed struct {
	*testing.T
	dir    string
	module settings.Module
}

func newBed(t *testing.T, parameters ...string) *bed {
	t.Helper()
	b := &bed{T: t, dir: t.TempDir()}
	var params []settings.Parameter
	for i := 0; i < len(parameters); i += 2 {
		params = append(params, settings.Parameter{Key: parameters[i], Value: parameters[i+1]})
	}
	var err error
	b.module, _, err = settings.ParseModule(params)
	require.NoError(t, err)
	return b
}

// pipeTo makes a pipe and what serves its reading end into a file of the directory.
func (b *bed) pipeTo(name string) (config Config, writer *os.File) {
	b.Helper()
	var fds [2]int
	require.NoError(b, unix.Pipe2(fds[:], unix.O_CLOEXEC))
	require.NoError(b, unix.SetNonblock(fds[0], true))
	container, _, err := b.module.ForTask(nil, "", b.dir)
	require.NoError(b, err)
	return Config{
		Input: fds[0], Path: filepath.Join(b.dir, name), Module: b.module, Stream: container.Stdout, Log: slog.New(slog.DiscardHandler),
	}, os.NewFile(uintptr(fds[1]), "writer")
}

// lines is n lines of 8 bytes.
func lines(n int) []byte { return kit.Lines(n, 8) }

func TestPipeEndsWithItsWriter(t *testing.T) {
	b := newBed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100")
	want := lines(20000)
	for i, half := range [][]byte{want[:80000], want[80000:]} {
		config, writer := b.pipeTo("app.log")
		go func() {
			_, _ = writer.Write(half)
			_ = writer.Close()
		}()
		account, err := Serve(t.Context(), config)
		require.NoError(t, err)
		assert.Equal(t, int64(80000), account.WrittenBytes)
		assert.Equal(t, int64(10000), account.WrittenLines)
		assert.Equal(t, []int64{4, 5}[i], account.Rotations, "the second goes on in the file of the first")
	}
	assert.Equal(t, want, kit.Joined(t, 16<<10, b.dir, "app.log"))
	names, err := filepath.Glob(filepath.Join(b.dir, ".*"))
	require.NoError(t, err)
	assert.Empty(t, names, "nothing of ours is left behind")
}

func TestPipeFinishesCompressions(t *testing.T) {
	b := newBed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100\ncompress")
	config, writer := b.pipeTo("app.log")
	go func() {
		_, _ = writer.Write(lines(10000))
		_ = writer.Close()
	}()
	_, err := Serve(t.Context(), config)
	require.NoError(t, err)
	for n := 1; n <= 4; n++ {
		assert.FileExists(t, filepath.Join(b.dir, fmt.Sprintf("app.log.%d.gz", n)))
		assert.NoFileExists(t, filepath.Join(b.dir, fmt.Sprintf("app.log.%d", n)))
	}
}

func TestPipeThatIsToldToStopMovesWhatIsThere(t *testing.T) {
	b := newBed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100")
	config, writer := b.pipeTo("app.log")
	defer writer.Close()
	want := lines(4000)
	_, err := writer.Write(want)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	account, err := Serve(ctx, config)
	require.NoError(t, err)
	assert.Equal(t, int64(len(want)), account.WrittenBytes)
	assert.Equal(t, want, kit.Joined(t, 16<<10, b.dir, "app.log"))
	_, err = writer.WriteString("nobody reads")
	assert.ErrorIs(t, err, unix.EPIPE, "the reading end is closed")
}

func TestPipeHasItsFileForItself(t *testing.T) {
	b := newBed(t)
	first, writer := b.pipeTo("app.log")
	done := make(chan stream.Account)
	go func() {
		account, err := Serve(t.Context(), first)
		assert.NoError(t, err)
		done <- account
	}()
	lock := filepath.Join(b.dir, ".app.log.sluice-lock")
	kit.Wait(t, "the file is there", func() bool { _, err := os.Stat(first.Path); return err == nil })
	assert.FileExists(t, lock)

	second, other := b.pipeTo("app.log")
	_, err := Serve(t.Context(), second)
	require.ErrorIs(t, err, ErrServed)
	assert.ErrorContains(t, err, first.Path)
	require.NoError(t, other.Close())

	beside, other := b.pipeTo("other.log")
	require.NoError(t, other.Close())
	_, err = Serve(t.Context(), beside)
	require.NoError(t, err, "another file of the directory")

	_, err = writer.WriteString("still served\n")
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	assert.Equal(t, int64(13), (<-done).WrittenBytes)
	assert.NoFileExists(t, lock)
}

func TestPipeRefusesAPlaceThatIsNone(t *testing.T) {
	b := newBed(t)
	config, writer := b.pipeTo("app.log")
	defer writer.Close()
	config.Path = filepath.Join(b.dir, "missing", "app.log")
	_, err := Serve(t.Context(), config)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, filepath.Dir(config.Path))
}

func TestPipeSaysWhichLogCannotBeOpened(t *testing.T) {
	b := newBed(t, "logrotate_stdout_options", "rotate 1\nolddir missing")
	config, writer := b.pipeTo("app.log")
	defer writer.Close()
	_, err := Serve(t.Context(), config)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, fmt.Sprintf("prepare app.log in sandbox %q: ", b.dir))
}

func TestPipeOnAFullDisk(t *testing.T) {
	b := newBed(t, "full_wait", "50ms", "max_stdout_size", "64KB", "logrotate_stdout_options", "rotate 1000", "evict_on_full", "false")
	if err := unix.Mount("sluice-test", b.dir, "tmpfs", 0, "mode=0755,size=4m"); err != nil {
		t.Skipf("missing privilege: mounting a tmpfs needs CAP_SYS_ADMIN: %v", err)
	}
	defer func() { _ = unix.Unmount(b.dir, unix.MNT_DETACH) }()
	config, writer := b.pipeTo("stdout")
	done := make(chan stream.Account)
	ballast := filepath.Join(b.dir, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 3<<20+512<<10), 0o644))
	go func() {
		account, err := Serve(t.Context(), config)
		assert.NoError(t, err)
		done <- account
	}()
	input := kit.Lines(40000, 100)
	_, err := writer.Write(input[:3000000])
	require.NoError(t, err)
	require.NoError(t, os.Remove(ballast))
	_, err = writer.Write(input[3000000:])
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	account := <-done
	proof, err := lossproof.Check(input, kit.Joined(t, 64<<10, b.dir, "stdout"))
	require.NoError(t, err)
	assert.Positive(t, proof.Bytes)
	assert.Equal(t, account.DroppedBytes, int64(proof.Bytes), "dropped and marked")
	assert.Equal(t, account.Marks, int64(len(proof.Marks)))
	assert.Equal(t, int64(len(input)), account.InBytes(), "in = written + dropped")
	assert.Equal(t, account.DroppedBytes, account.Dropped[stream.NoSpace].Bytes)
}
