package policyfile

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
	"sluice/core/settings"
)

// said is what a stream with `rotate 3` and 4 KB shows, in the directory PATH.
const said = `# Written by sluice, for people and the command sluice. The logger never reads it back.
"PATH/stdout" {
    # parameter logrotate_stdout_options, line 1
    rotate 3
    # parameter max_stdout_size
    size 4096
    # parameter times: when it was written, to 100ms, is in stdout.times
}
`

// bed is a sandbox with the file of a stream.
type bed struct {
	source Source
	file   *File
	path   string // of the file
	log    bytes.Buffer
	now    time.Time
}

func newBed(t *testing.T) *bed {
	t.Helper()
	at := t.TempDir()
	dir, err := sandbox.Open(at)
	require.NoError(t, err)
	t.Cleanup(func() { _ = dir.Close() })
	module, _, err := settings.ParseModule([]settings.Parameter{
		{Key: "max_stdout_size", Value: "4KB"}, {Key: "logrotate_stdout_options", Value: "rotate 3"},
	})
	require.NoError(t, err)
	b := &bed{
		source: Source{Dir: dir, Path: at, Name: "stdout", Settings: module.Stdout},
		path:   filepath.Join(at, "stdout.logrotate.conf"),
		now:    time.Now(),
	}
	b.file = New(b.source, slog.New(slog.NewTextHandler(&b.log, nil)))
	return b
}

// text is what stands in the file.
func (b *bed) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(b.path)
	require.NoError(t, err)
	return string(bytes.ReplaceAll(text, []byte(b.source.Path), []byte("PATH")))
}

// refresh services the stream once more, so much later, and tells whether that wrote the
// file: it is another one then.
func (b *bed) refresh(t *testing.T, later time.Duration, ended bool) (written bool) {
	t.Helper()
	before, _ := os.Stat(b.path)
	b.now = b.now.Add(later)
	b.file.Refresh(b.now, ended)
	after, err := os.Stat(b.path)
	return err == nil && !os.SameFile(before, after)
}

func TestTheFileShowsThePolicyToEverybody(t *testing.T) {
	b := newBed(t)
	defer unix.Umask(unix.Umask(0o077)) // says nothing of it
	require.NoError(t, b.source.Write())
	assert.Equal(t, said, b.text(t))
	info, err := os.Lstat(b.path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode())
	entries, err := os.ReadDir(b.source.Path)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing else is left")
}

// A task can put a link in the place of the file.
func TestWhatALinkLeadsToStays(t *testing.T) {
	b := newBed(t)
	other := filepath.Join(t.TempDir(), "other")
	require.NoError(t, os.WriteFile(other, []byte("somebody else's\n"), 0o600))
	require.NoError(t, os.Symlink(other, b.path))
	require.NoError(t, b.source.Write())
	assert.Equal(t, said, b.text(t))
	text, err := os.ReadFile(other)
	require.NoError(t, err)
	assert.Equal(t, "somebody else's\n", string(text))
}

// happened is what has happened to a stream.
type happened string

func (h *happened) ConfText() string { return string(*h) }

func TestWhatHasHappenedStandsBelowThePolicy(t *testing.T) {
	b := newBed(t)
	more := happened("")
	b.source.More = &more
	require.NoError(t, b.source.Write())
	assert.Equal(t, said, b.text(t), "nothing has")
	more = "# two files were deleted\n"
	require.NoError(t, b.source.Write())
	assert.Equal(t, said+"# two files were deleted\n", b.text(t))
}

// A stream is serviced very often: the file is looked at now and then, and written where it
// is not as it was left.
func TestTheFileIsWrittenAgainWhereItHasChanged(t *testing.T) {
	b := newBed(t)
	assert.True(t, b.refresh(t, 0, false), "the first service")
	assert.Equal(t, said, b.text(t))
	assert.False(t, b.refresh(t, checkEvery, false), "it is as it was")
	assert.False(t, b.refresh(t, 0, true))

	require.NoError(t, os.Remove(b.path))
	assert.False(t, b.refresh(t, checkEvery-1, false), "it is too soon to look")
	assert.NoFileExists(t, b.path)
	assert.True(t, b.refresh(t, 1, false))
	assert.Equal(t, said, b.text(t))

	require.NoError(t, os.WriteFile(b.path, []byte("something else"), 0o600))
	assert.True(t, b.refresh(t, checkEvery, false))
	assert.Equal(t, said, b.text(t))

	require.NoError(t, os.Remove(b.path))
	assert.True(t, b.refresh(t, 0, true), "the end of the stream waits for nothing")
	assert.Equal(t, said, b.text(t))
	assert.Empty(t, b.log.String())
}

func TestTheFileIsWrittenWhenTold(t *testing.T) {
	b := newBed(t)
	require.True(t, b.refresh(t, 0, false))
	more := happened("# a file was deleted\n")
	b.file.source.More = &more
	b.file.Write()
	assert.Equal(t, said+"# a file was deleted\n", b.text(t))
	assert.False(t, b.refresh(t, checkEvery, false), "that is how it was left")
}

// A task can keep the file from being written: that is told once, and tried again.
func TestASandboxThatRefusesTheFile(t *testing.T) {
	const warning = "cannot write the policy into the sandbox for people to read; it is tried again"
	b := newBed(t)
	inTheWay := filepath.Join(b.path, "in", "the", "way")
	for times := 1; times <= 2; times++ {
		require.NoError(t, os.RemoveAll(b.path))
		require.NoError(t, os.MkdirAll(inTheWay, 0o755))
		for range 3 {
			b.refresh(t, checkEvery, false)
			b.file.Write()
		}
		assert.DirExists(t, inTheWay)
		assert.Equal(t, times, bytes.Count(b.log.Bytes(), []byte(warning)))
		require.NoError(t, os.RemoveAll(b.path))
		assert.True(t, b.refresh(t, checkEvery, false))
		assert.Equal(t, said, b.text(t))
	}
}

// The agent removes the sandboxes of containers that have ended.
func TestASandboxThatIsGoneIsNoTrouble(t *testing.T) {
	b := newBed(t)
	require.NoError(t, os.Remove(b.source.Path))
	b.refresh(t, 0, false)
	b.refresh(t, 0, true)
	assert.Empty(t, b.log.String())
}

func TestAStreamWithoutAPolicyShowsNone(t *testing.T) {
	var f File
	f.Refresh(time.Now(), false)
	f.Refresh(time.Now(), true)
	f.Write()
}
