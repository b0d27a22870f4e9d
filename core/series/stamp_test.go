package series

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// exactly requires that a line has its own time, to the resolution.
func (c *clocked) exactly(t *testing.T, l stampedLine) {
	t.Helper()
	own := c.began.Add(ownTimes(t, l.text)[0])
	require.True(t, l.Known && l.Exact(), "%+v", l)
	require.False(t, l.Latest.Before(own), "%+v", l)
	require.Less(t, l.Latest.Sub(own), resolution+time.Millisecond, "%+v", l)
}

// Files that are rotated, compressed and removed while they are read keep their times; so do
// those that the index, which is trimmed meanwhile, tells of no more.
func TestStampsWhileTheSeriesMoves(t *testing.T) {
	for _, options := range []string{"rotate 20", "rotate 20\ncompress", "rotate 20\ndateext\ndateformat -%Y%m%d%H%M%S\ncompress"} {
		t.Run(options, func(t *testing.T) {
			c := newClocked(t, options)
			write := func(lines int) {
				for range lines {
					c.line(150*time.Millisecond, 100)
				}
				c.Compress()
			}
			write(500)
			r, notices := read(t, openSeries(t, c.Dir, options))
			require.True(t, r.HasTimes())
			lines := &lineStamps{r: r}
			chunks := 0
			require.NoError(t, r.Copy(t.Context(), writerFunc(func(text []byte) (int, error) {
				if chunks++; chunks%5 == 0 {
					write(80)
				}
				return lines.Write(text)
			})))
			require.Greater(t, len(lines.all), 300)
			for _, l := range lines.all {
				c.exactly(t, l)
			}
			assert.Empty(t, *notices)
		})
	}
}

// The index has not been written since: what is at the end came after what it tells of.
func TestStampsBehindTheIndex(t *testing.T) {
	c := newClocked(t, "rotate 9")
	c.line(time.Second, 10)
	c.End()
	told := c.Now
	c.line(300*time.Millisecond, 10)
	lines := func() []stampedLine {
		r, _ := read(t, openSeries(t, c.Dir, "rotate 9"))
		return stampedLines(t, r)
	}
	all := lines()
	c.exactly(t, all[0])
	assert.Equal(t, told, all[1].Earliest)
	assert.Equal(t, c.Now.Add(clockTick), all[1].Latest)
	assert.True(t, all[1].Known)

	r, _ := read(t, openSeries(t, c.Dir, "rotate 9"))
	require.NoError(t, r.Since(told.Add(time.Millisecond)))
	assert.Equal(t, all[1].text, stampedLines(t, r)[0].text)
	r, _ = read(t, openSeries(t, c.Dir, "rotate 9"))
	require.NoError(t, r.Since(c.Now.Add(time.Minute)))
	assert.Empty(t, stampedLines(t, r))
	r, _ = read(t, openSeries(t, c.Dir, "rotate 9"))
	require.NoError(t, r.Until(told))
	assert.Len(t, stampedLines(t, r), 2, "it may have been written by then")

	c.End()
	for _, l := range lines() {
		c.exactly(t, l)
	}
}

// What a task does to its files and its index costs their times, and nothing else.
func TestStampsOfWhatDoesNotFit(t *testing.T) {
	for name, spoil := range map[string]struct {
		options string
		files   []string // that have no times then
		do      func(t *testing.T, path func(name string) string)
	}{
		"another file":    {"rotate 20", []string{"stdout.2"}, func(t *testing.T, path func(string) string) { copied(t, path("stdout.2"), 0) }},
		"a longer file":   {"rotate 20", []string{"stdout.3"}, func(t *testing.T, path func(string) string) { extend(t, path("stdout.3")) }},
		"another time":    {"rotate 20\ncompress", []string{"stdout.2.gz"}, func(t *testing.T, path func(string) string) { copied(t, path("stdout.2.gz"), time.Hour) }},
		"removed, behind": {"rotate 20", nil, func(t *testing.T, path func(string) string) { require.NoError(t, os.Remove(path("stdout.2"))) }},
		"moved on": {"rotate 20\ncompress", []string{"stdout.30.gz"}, func(t *testing.T, path func(string) string) {
			require.NoError(t, os.Rename(path("stdout.3.gz"), path("stdout.30.gz")))
		}},
		"moved on, plain": {"rotate 20", nil, func(t *testing.T, path func(string) string) {
			require.NoError(t, os.Rename(path("stdout.3"), path("stdout.30")))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(t, spoil.options)
			for range 200 {
				c.line(time.Second, 100)
			}
			c.Compress()
			c.End()
			spoil.do(t, func(name string) string { return filepath.Join(c.Dir, name) })
			r, notices := read(t, openSeries(t, c.Dir, spoil.options))
			untold := 0
			for _, l := range stampedLines(t, r) {
				if !l.Known {
					untold++
					assert.False(t, l.Exact())
				} else {
					c.exactly(t, l)
				}
			}
			if len(spoil.files) == 0 {
				assert.Zero(t, untold)
				assert.Empty(t, *notices)
				return
			}
			assert.Less(t, 20, untold)
			assert.Less(t, untold, 60)
			require.Len(t, *notices, 1)
			assert.Contains(t, (*notices)[0], spoil.files[0]+" is not in the time index as it is")
		})
	}
}

// copied puts a copy in the place of a file, so much later.
func copied(t *testing.T, path string, later time.Duration) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Rename(path, path+".away"))
	require.NoError(t, os.WriteFile(path, text, 0o600))
	require.NoError(t, os.Chtimes(path, time.Time{}, info.ModTime().Add(later)))
}

func extend(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("1 more\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// A follower has the times of what comes, however often the files are rotated and the index is
// trimmed meanwhile.
func TestFollowsWithStamps(t *testing.T) {
	for _, options := range []string{"rotate 30", "rotate 30\ncompress", "rotate 30\ndateext\ndateformat -%s\ncompress"} {
		t.Run(options, func(t *testing.T) {
			c := newClocked(t, options)
			for range 100 {
				c.line(time.Second, 100)
			}
			c.End()
			r, notices := read(t, openSeries(t, c.Dir, options))
			require.True(t, r.HasTimes())
			var mu sync.Mutex
			lines := &lineStamps{r: r}
			count := func() int {
				mu.Lock()
				defer mu.Unlock()
				return len(lines.all)
			}
			ended, result := make(chan struct{}), make(chan error, 1)
			go func() {
				result <- r.Follow(t.Context(), writerFunc(func(text []byte) (int, error) {
					mu.Lock()
					defer mu.Unlock()
					return lines.Write(text)
				}), func() bool {
					select {
					case <-ended:
						return true
					default:
						return false
					}
				})
			}()
			for i := range 600 {
				c.line(time.Second, 100)
				if i%50 == 0 {
					c.Compress()
					kit.Until(func() bool { return count() >= 100+i-20 })
				}
			}
			close(ended)
			require.NoError(t, <-result)
			assert.Empty(t, *notices)
			var got bytes.Buffer
			for i, l := range lines.all {
				got.WriteString(l.text)
				own := c.began.Add(c.at[i])
				require.True(t, l.Known)
				require.False(t, l.Latest.Before(own), "%+v", l)
			}
			kit.Same(t, c.Written.String(), got.String())
			for _, l := range lines.all[:100] {
				c.exactly(t, l)
			}
		})
	}
}

// Without an index the files have to do, and that is said once.
func TestNoIndex(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"there is no stdout.times: ":                                    os.Remove,
		"stdout.times cannot be read: no page of a time index: ":        func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("x"), 9000), 0o600) },
		"stdout.times cannot be read: open \"stdout.times\": not a log": func(path string) error { _ = os.Remove(path); return os.Symlink("/dev/null", path) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(t, "rotate 9")
			for range 100 {
				c.line(time.Second, 100)
			}
			c.End()
			require.NoError(t, spoil(filepath.Join(c.Dir, "stdout.times")))
			r, notices := read(t, openSeries(t, c.Dir, "rotate 9"))
			require.NoError(t, r.Until(c.Now))
			require.NoError(t, r.Since(c.began.Add(50*time.Second)))
			assert.False(t, r.HasTimes())
			var got strings.Builder
			for _, l := range stampedLines(t, r) {
				got.WriteString(l.text)
				assert.False(t, l.Known || l.Exact())
				assert.False(t, l.Latest.Before(c.began.Add(ownTimes(t, l.text)[0])), "%+v", l)
			}
			require.Len(t, *notices, 1)
			assert.Contains(t, (*notices)[0], strings.Split(name, ": not")[0])
			assert.True(t, strings.HasSuffix(c.Written.String(), got.String()))
			assert.Less(t, got.Len(), c.Written.Len())
			assert.Contains(t, got.String(), fmt.Sprintf("\n%d ", c.at[60].Milliseconds()))
		})
	}
}
