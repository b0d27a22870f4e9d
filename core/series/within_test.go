package series

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/series/logtest"
)

// resolution is that of the time indexes of these tests.
const resolution = 100 * time.Millisecond

// clocked is a log whose lines carry their own time, in milliseconds since it began.
type clocked struct {
	*logtest.Stream
	began time.Time
	at    []time.Duration // of each line
}

func newClocked(t testing.TB, options string) *clocked {
	began := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	return &clocked{Stream: logtest.NewStream(t, t.TempDir(), "stdout", options, "4KB", began), began: began}
}

// line writes one after a while.
func (c *clocked) line(after time.Duration, filling int) {
	c.Now = c.Now.Add(after)
	at := c.Now.Sub(c.began)
	c.at = append(c.at, at)
	c.Write(fmt.Sprintf("%d %s\n", at.Milliseconds(), strings.Repeat("x", filling)))
}

// ownTimes reads the times of lines.
func ownTimes(t testing.TB, text string) (at []time.Duration) {
	t.Helper()
	for line := range strings.Lines(text) {
		var ms int64
		_, err := fmt.Sscanf(line, "%d ", &ms)
		require.NoError(t, err, "%q", line)
		require.True(t, strings.HasSuffix(line, "\n"))
		at = append(at, time.Duration(ms)*time.Millisecond)
	}
	return at
}

// printed gives what is read within a span.
func (c *clocked) printed(t testing.TB, s *Series, since, until time.Duration, last int64) string {
	t.Helper()
	r, notices := read(t, s)
	require.NoError(t, r.Until(c.began.Add(until)))
	require.NoError(t, r.Since(c.began.Add(since)))
	if last >= 0 {
		require.NoError(t, r.Last(last))
	}
	var out bytes.Buffer
	require.NoError(t, r.Copy(t.Context(), &out))
	require.Empty(t, *notices)
	r.Close()
	return out.String()
}

// What --since and --until leave is what a filter over the lines' own clocks leaves, but for
// lines that are nearer to the ends than the resolution.
func TestLinesWithinASpan(t *testing.T) {
	for _, options := range []string{
		"rotate 100", "rotate 100\nstart 0", "rotate 100\ncompress", "rotate 100\ncompress\ndelaycompress\ncompresscmd zstd",
		"rotate 100\ndateext\ndateformat -%Y%m%d%H%M%S", "rotate 100\ndateext\ncompress", "rotate 5\nolddir old\ncreateolddir\ncompress",
	} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(1, 2))
			c := newClocked(t, options)
			for i := range 1200 {
				c.line(time.Duration(rnd.Int64N(2000))*time.Millisecond, rnd.IntN(200))
				if i%50 == 0 {
					c.Compress()
				}
			}
			c.End()
			s := openSeries(t, c.Dir, options)
			all, _ := read(t, s)
			var whole bytes.Buffer
			require.NoError(t, all.Copy(t.Context(), &whole))
			at := ownTimes(t, whole.String())
			require.Greater(t, len(at), 100)
			first, end := at[0], at[len(at)-1]
			for i := range 1000 {
				since := first - time.Second + time.Duration(rnd.Int64N(int64(end-first+2*time.Second)))
				until := since + time.Duration(rnd.Int64N(int64(end-since+2*time.Second)))
				got := ownTimes(t, c.printed(t, s, since, until, -1))
				inner, outer := 0, 0
				for _, own := range at {
					if own >= since && own <= until-resolution {
						inner++
					}
					if own > since-resolution && own <= until {
						outer++
					}
				}
				require.GreaterOrEqual(t, len(got), inner, "since %v until %v", since, until)
				require.LessOrEqual(t, len(got), outer, "since %v until %v", since, until)
				if len(got) > 0 {
					require.Greater(t, got[0], since-resolution)
					require.LessOrEqual(t, got[len(got)-1], until)
				}
				if i%20 == 0 {
					last := ownTimes(t, c.printed(t, s, since, until, 3))
					require.Equal(t, got[max(0, len(got)-3):], last)
				}
			}
		})
	}
}

// Stamps are those of the lines' own clocks, rounded up by less than the resolution.
func TestStampsAreThoseOfTheLines(t *testing.T) {
	for _, options := range []string{"rotate 9\nstart 3", "rotate 9\ncompress", "rotate 9\ndateext\ncompress\ncompresscmd zstd"} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			c := newClocked(t, options)
			for i := range 300 {
				c.line(137*time.Millisecond, i%150)
				if i%40 == 0 {
					c.Compress()
				}
			}
			c.End()
			r, notices := read(t, openSeries(t, c.Dir, options))
			require.True(t, r.HasTimes())
			require.Equal(t, resolution, r.Resolution())
			lines := stampedLines(t, r)
			assert.Empty(t, *notices)
			require.Greater(t, len(lines), 200)
			for _, l := range lines {
				own := c.began.Add(ownTimes(t, l.text)[0])
				require.True(t, l.Known && l.Exact())
				require.False(t, l.Latest.Before(own), "%s: %v", l.text, l.Latest)
				require.Less(t, l.Latest.Sub(own), resolution+time.Millisecond)
			}
		})
	}
}

type stampedLine struct {
	Stamp
	text string
}

// stampedLines reads a series with its stamps.
func stampedLines(t testing.TB, r *Reader) []stampedLine {
	t.Helper()
	lines := &lineStamps{r: r}
	require.NoError(t, r.Copy(t.Context(), lines))
	return lines.all
}

// lineStamps takes what a Reader writes apart.
type lineStamps struct {
	r      *Reader
	all    []stampedLine
	within bool
}

func (l *lineStamps) Write(text []byte) (int, error) {
	for at := 0; at < len(text); {
		if !l.within {
			l.all = append(l.all, stampedLine{Stamp: l.r.Stamp(text, at)})
		}
		end := bytes.IndexByte(text[at:], '\n') + 1
		l.within = end == 0
		if l.within {
			end = len(text) - at
		}
		l.all[len(l.all)-1].text += string(text[at : at+end])
		at += end
	}
	return len(text), nil
}
