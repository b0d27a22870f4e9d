package series

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/series/logtest"
	"sluice/tests/kit"
)

// follower follows in the background into a buffer.
type follower struct {
	mu     sync.Mutex
	out    bytes.Buffer
	stop   atomic.Bool
	result chan error
	// notices are the Reader's; to be read after the result.
	notices *[]string
}

func follow(t *testing.T, r *Reader) *follower {
	f := &follower{result: make(chan error, 1), notices: &[]string{}}
	told := r.Notice
	r.Notice = func(message string) {
		*f.notices = append(*f.notices, message)
		told(message)
	}
	go func() {
		f.result <- r.Follow(t.Context(), writerFunc(func(p []byte) (int, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.out.Write(p)
		}), f.stop.Load)
	}()
	return f
}

func (f *follower) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.String()
}

// await waits until so much has come.
func (f *follower) await(size int) {
	kit.Until(func() bool { return len(f.text()) >= size })
}

// end lets the follower find the end.
func (f *follower) end(t *testing.T) string {
	t.Helper()
	f.stop.Store(true)
	require.NoError(t, <-f.result, "notices: %q", *f.notices)
	return f.text()
}

// Rotations and compressions go on as fast as they can, under every policy.
func TestFollowsWhatIsWrittenWhateverThePolicy(t *testing.T) {
	for _, options := range policies {
		for _, limit := range []int{512, 8 << 10} {
			t.Run(fmt.Sprintf("%s, limit %d", options, limit), func(t *testing.T) {
				t.Parallel()
				l := logtest.New(t, strings.Replace(options, "100", "400", 1), limit)
				l.Background = true
				l.Lines(1, 300)
				r, notices := read(t, seriesOf(l, options))
				f := follow(t, r)
				for i := 301; i <= 2000; i += 37 {
					l.Lines(i, min(2000, i+36))
					if i%5 == 0 {
						f.await(16 * (i / 2)) // not always far behind
					}
				}
				kit.Same(t, numbered(1, 2000), f.end(t))
				assert.Empty(t, *notices)
			})
		}
	}
}

// The beginning of a line is written out before it is carried over to the next file.
func TestFollowsBeginningsOfLines(t *testing.T) {
	const options = "rotate 400\ncompress"
	l := logtest.New(t, options, 512)
	l.Background = true
	r, notices := read(t, seriesOf(l, options))
	f := follow(t, r)
	for i := range 300 {
		line := fmt.Sprintf("%d%s\n", i, strings.Repeat("x", i*7%90))
		for half := range 2 {
			cut := len(line) * 2 / 3
			l.Write([]string{line[:cut], line[cut:]}[half])
			f.await(l.Written.Len())
		}
	}
	kit.Same(t, l.Written.String(), f.end(t))
	assert.Empty(t, *notices)
}

// A line that is longer than the limit goes through several files.
func TestFollowsLongLines(t *testing.T) {
	const options = "rotate 400"
	l := logtest.New(t, options, 100)
	r, _ := read(t, seriesOf(l, options))
	f := follow(t, r)
	for i := range 40 {
		l.Write(strings.Repeat("y", i*17) + "\n")
	}
	kit.Same(t, l.Written.String(), f.end(t))
}

// Several files come and are compressed while the follower does not look at all.
func TestFollowsFilesThatWereCompressedUnseen(t *testing.T) {
	for _, options := range []string{"rotate 400\ncompress", "rotate 400\ncompress\ncompresscmd zstd", "rotate 400\ndateext\ncompress"} {
		t.Run(options, func(t *testing.T) {
			l := logtest.New(t, options, 1600)
			l.Lines(1, 250)
			r, notices := read(t, seriesOf(l, options))
			require.NoError(t, r.Last(30))
			r.endBytes = -1
			for i := 251; i <= 1250; i += 500 {
				l.Lines(i, i+499)
				l.Compress()
				now, err := r.catchUp()
				require.NoError(t, err)
				assert.True(t, now.live)
			}
			kit.Same(t, numbered(221, 1250), follow(t, r).end(t))
			assert.Empty(t, *notices)
		})
	}
}

// All files of one tick of the clock have the same time; the content tells them apart.
func TestCompressedFilesOfOneTick(t *testing.T) {
	for _, options := range []string{"rotate 400\ncompress", "rotate 400\ncompress\ncompresscmd zstd", "rotate 400\ndateext\ncompress"} {
		t.Run(options, func(t *testing.T) {
			l := logtest.New(t, options, 160)
			r, _ := read(t, seriesOf(l, options))
			r.endBytes = -1
			l.Lines(1, 95)
			tick := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
			names, err := filepath.Glob(filepath.Join(l.Dir, "stdout?[0-9]*"))
			require.NoError(t, err)
			require.Len(t, names, 9)
			for _, name := range names {
				require.NoError(t, os.Chtimes(name, tick, tick))
			}
			l.Compress()
			_, err = r.catchUp()
			require.NoError(t, err)
			kit.Same(t, numbered(1, 95), follow(t, r).end(t))
		})
	}
}

// Somebody who reads slowly has the retention's bounds, and is told what it took.
func TestSlowFollowerIsToldWhatIsMissing(t *testing.T) {
	const options = "rotate 70"
	l := logtest.New(t, options, 160)
	l.Lines(1, 10)
	r, notices := read(t, seriesOf(l, options))
	r.endBytes = -1
	for i := 11; i <= 2000; i += 10 {
		l.Lines(i, i+9)
		_, err := r.catchUp()
		require.NoError(t, err)
	}
	f := &follower{result: make(chan error, 1)}
	f.stop.Store(true)
	err := r.Follow(t.Context(), &f.out, f.stop.Load)
	require.ErrorIs(t, err, ErrIncomplete)
	got := f.out.String()
	assert.LessOrEqual(t, r.held, maxHeld+1)
	require.Len(t, *notices, 1)
	missing := len(numbered(1, 2000)) - len(got)
	assert.Positive(t, missing)
	assert.Contains(t, (*notices)[0], fmt.Sprintf("%d bytes are missing here", missing))
	kit.Same(t, numbered(1, 630), got[:63*160])
	kit.Same(t, numbered(2000-(len(got)-63*160)/16+1, 2000), got[63*160:])
}

func TestTruncatedLiveFileIsReadAgain(t *testing.T) {
	l := logtest.New(t, "rotate 9", 1<<20)
	l.Lines(1, 100)
	r, _ := read(t, seriesOf(l, "rotate 9"))
	noticed := make(chan string, 1)
	r.Notice = func(message string) { noticed <- message }
	f := follow(t, r)
	f.await(1600)
	require.NoError(t, l.Live.Truncate(0))
	l.Size = 0
	// Whether it is seen before it has grown again decides what is shown.
	assert.Equal(t, "stdout was truncated by somebody else; it is read from its beginning", <-noticed)
	l.Lines(1, 20)
	kit.Same(t, numbered(1, 100)+numbered(1, 20), f.end(t))
}

func TestRemovedLiveFileIsFollowedByTheNext(t *testing.T) {
	l := logtest.New(t, "rotate 9", 160)
	l.Lines(1, 45)
	r, _ := read(t, seriesOf(l, "rotate 9"))
	f := follow(t, r)
	f.await(45 * 16)
	require.NoError(t, os.Remove(filepath.Join(l.Dir, "stdout")))
	l.Lines(46, 48) // into the removed file, which is held
	l.Open()
	l.Lines(49, 90)
	kit.Same(t, numbered(1, 90), f.end(t))
}

func TestFollowEndsWithItsContext(t *testing.T) {
	l := logtest.New(t, "rotate 9", 160)
	r, _ := read(t, seriesOf(l, "rotate 9"))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(os.ErrClosed)
	require.ErrorIs(t, r.Follow(ctx, &bytes.Buffer{}, nil), os.ErrClosed)
}

func TestFollowEndsWithTheSandbox(t *testing.T) {
	l := logtest.New(t, "rotate 9", 160)
	l.Lines(1, 5)
	r, notices := read(t, seriesOf(l, "rotate 9"))
	require.NoError(t, os.RemoveAll(l.Dir))
	var out bytes.Buffer
	require.ErrorIs(t, r.Follow(t.Context(), &out, nil), ErrIncomplete)
	assert.Equal(t, numbered(1, 5), out.String())
	assert.Equal(t, []string{"the sandbox was removed"}, *notices)
}

// Where the youngest known file has left the series, all numbers are looked at, but not
// those that nothing has.
func TestNumbersThatNothingHasAreNotLookedAt(t *testing.T) {
	l := logtest.New(t, "rotate 9", 160)
	l.Lines(1, 35)
	require.NoError(t, os.WriteFile(filepath.Join(l.Dir, "stdout.2000000000"), []byte("planted\n"), 0o644))
	r, _ := read(t, seriesOf(l, "rotate 9"))
	live := filepath.Join(l.Dir, "stdout")
	require.NoError(t, os.Remove(live))
	require.NoError(t, os.WriteFile(live, []byte("new\n"), 0o644))
	now, err := r.catchUp()
	require.NoError(t, err)
	assert.True(t, now.live)
	assert.Equal(t, int64(4), r.youngest().size)
}
