package series

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/series/logtest"
	"sluice/core/seriesname"
)

func TestWholeSeriesIsWhole(t *testing.T) {
	for _, options := range policies {
		t.Run(options, func(t *testing.T) {
			l := logtest.New(t, options, 1024)
			for day := range 5 {
				l.Now = l.Now.Add(26 * time.Hour)
				l.Lines(day*200+1, day*200+200)
				l.Write("beginning, ")
				l.Write("end\n" + strings.Repeat("long", 700) + "\n")
				if day%2 == 0 {
					l.Compress()
				}
			}
			report, err := seriesOf(l, options).Verify(t.Context(), Expected{LimitBytes: 1024, Kept: true})
			require.NoError(t, err)
			assert.Empty(t, report.Findings)
			assert.True(t, report.Whole)
			assert.Equal(t, int64(l.Written.Len()), report.Bytes)
			assert.Equal(t, int64(1010), report.Newlines)
			assert.Positive(t, report.SplitLines)
		})
	}
}

// What one can do to a series, and what is found then.
func TestVerifyFinds(t *testing.T) {
	remove := func(names ...string) func(*testing.T, *logtest.Logger) {
		return func(t *testing.T, l *logtest.Logger) {
			for _, name := range names {
				require.NoError(t, os.Remove(filepath.Join(l.Dir, name)))
			}
		}
	}
	put := func(name, text string) func(*testing.T, *logtest.Logger) {
		return func(t *testing.T, l *logtest.Logger) {
			require.NoError(t, os.WriteFile(filepath.Join(l.Dir, name), []byte(text), 0o644))
		}
	}
	for _, c := range []struct {
		name, options string
		act           func(*testing.T, *logtest.Logger)
		want          []Finding
	}{
		{"the oldest removed", "rotate 9", remove("stdout.9"), []Finding{}},
		{"the youngest removed", "rotate 9", remove("stdout.1"), []Finding{{KindGap, "stdout.2", "number 1 is missing behind it"}}},
		{"some removed", "rotate 9\ncompress", remove("stdout.4.gz", "stdout.5.gz", "stdout.7.gz"), []Finding{
			{KindGap, "stdout.8.gz", "number 7 is missing behind it"}, {KindGap, "stdout.6.gz", "numbers 4 to 5 are missing behind it"},
		}},
		{"most removed", "rotate 9", remove("stdout.3", "stdout.4", "stdout.5", "stdout.6", "stdout.7"), []Finding{
			{KindGap, "stdout.8", "numbers 3 to 7 are missing behind it"},
		}},
		{"a counter removed", "rotate 9\ndateext", remove("stdout-20261122.14"), []Finding{
			{KindGap, "stdout-20261122.15", "follows stdout-20261122.13: files of that date between them are missing"},
		}},
		{"the first of a date removed", "rotate 9\ndateext", func(t *testing.T, l *logtest.Logger) {
			l.Now = l.Now.Add(24 * time.Hour)
			l.Lines(1, 30)
			remove("stdout-20261123")(t, l)
		}, []Finding{{KindGap, "stdout-20261123.1", "follows stdout-20261122.21: files of that date between them are missing"}}},
		{"a torn line", "rotate 9", put("stdout.3", "line\nhal"), []Finding{{KindTorn, "stdout.3", "ends within a line, after 3 bytes of it"}}},
		{"a line in several files", "rotate 9", put("stdout.3", "half of a line"), []Finding{}},
		{"an end without newline", "rotate 9", put("stdout", "line\nprompt> "), []Finding{}},
		{"over the limit", "rotate 9", put("stdout.3", strings.Repeat("y\n", 81)), []Finding{{KindLimit, "stdout.3", "holds 162 bytes, the limit is 160"}}},
		{"more than are kept", "rotate 9", func(t *testing.T, l *logtest.Logger) {
			put("stdout.10", "")(t, l)
			put("stdout.11", "")(t, l)
		}, []Finding{{KindLimit, "", "there are 11 rotated files, the policy keeps 9"}}},
		{"no gzip", "rotate 9\ncompress", put("stdout.3.gz", "junk"), []Finding{
			{KindDamaged, "stdout.3.gz", "cannot be verified: compressed by a method that is not built in: it begins with 6a756e6b; expected gzip, zstd, xz or bzip2"},
		}},
		{"a cut file", "rotate 9\ncompress", func(t *testing.T, l *logtest.Logger) {
			require.NoError(t, os.Truncate(filepath.Join(l.Dir, "stdout.3.gz"), 30))
		}, []Finding{{KindDamaged, "stdout.3.gz", "cannot be read beyond byte 63: the compressed file is damaged: unexpected EOF"}}},
		{"marks", "rotate 9", put("stdout.3", "a\n"+lossMark+"\nb\n"), []Finding{
			{KindLost, "stdout.3", "2026-11-22T14:00:00.123Z: 1048576 bytes in 8192 lines were lost since 2026-11-22T13:59:58.001Z: no space left on device"},
		}},
		{"impostors", "rotate 9", func(t *testing.T, l *logtest.Logger) {
			remove("stdout.9")(t, l)
			require.NoError(t, unix.Mkfifo(filepath.Join(l.Dir, "stdout.9"), 0o666))
			require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(l.Dir, "stdout.12")))
		}, []Finding{{KindImpostor, "stdout.12", "is a symbolic link, not a log file"}, {KindImpostor, "stdout.9", "is a FIFO, not a log file"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := logtest.New(t, c.options, 160)
			l.Lines(1, 225)
			l.Compress()
			c.act(t, l)
			report, err := seriesOf(l, c.options).Verify(t.Context(), Expected{LimitBytes: 160 + 160*int64(strings.Count(c.name, "marks")), Kept: true})
			require.NoError(t, err)
			assert.Equal(t, c.want, report.Findings)
			assert.Equal(t, len(c.want) == 0, report.Whole)
		})
	}
}

// Until the live file has its place one number is free, and a script may take its time
// meanwhile.
func TestVerifyAmidARotation(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T, box string){
		"taken": func(t *testing.T, box string) {
			require.NoError(t, os.Rename(filepath.Join(box, "stdout"), filepath.Join(box, seriesname.Taken("stdout"))))
		},
		"noted": func(t *testing.T, box string) {
			require.NoError(t, os.Symlink("note", filepath.Join(box, seriesname.UnderWay("stdout")[1])))
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := logtest.New(t, "rotate 9", 160)
			l.Lines(1, 55)
			for i := 5; i > 0; i-- {
				require.NoError(t, os.Rename(filepath.Join(l.Dir, fmt.Sprintf("stdout.%d", i)), filepath.Join(l.Dir, fmt.Sprintf("stdout.%d", i+1))))
			}
			verify := func() []Finding {
				t.Helper()
				report, err := seriesOf(l, "rotate 9").Verify(t.Context(), Expected{LimitBytes: 160, Kept: true})
				require.NoError(t, err)
				return report.Findings
			}
			assert.Equal(t, []Finding{{KindGap, "stdout.2", "number 1 is missing behind it"}}, verify())
			begin(t, l.Dir)
			assert.Empty(t, verify())
			require.NoError(t, os.Remove(filepath.Join(l.Dir, "stdout.2")))
			assert.Equal(t, []Finding{{KindGap, "stdout.3", "numbers 1 to 2 are missing behind it"}}, verify())
		})
	}
}

// The record knows how much there must be where nothing has been removed yet.
func TestVerifyAgainstTheRecord(t *testing.T) {
	l := logtest.New(t, "rotate 30", 160)
	l.Lines(1, 204) // 20 rotations
	live, err := os.Stat(filepath.Join(l.Dir, "stdout.1"))
	require.NoError(t, err)
	account := Account{Rotations: 19, WrittenBytes: 3207, CarriedBytes: 7, LiveInode: live.Sys().(*syscall.Stat_t).Ino}
	verify := func(a Account) *Report {
		t.Helper()
		report, err := seriesOf(l, "rotate 30").Verify(t.Context(), Expected{LimitBytes: 160, Kept: true, Account: &a})
		require.NoError(t, err)
		return report
	}
	report := verify(account)
	assert.Empty(t, report.Findings)
	assert.Empty(t, report.Notes)
	account.WrittenBytes++
	assert.Equal(t, []Finding{{KindRecord, "", "the rotated files hold 3200 bytes; by the record 3201 were written"}}, verify(account).Findings)
	account.Rotations = 40
	report = verify(account)
	assert.Empty(t, report.Findings)
	require.Len(t, report.Notes, 1)
	assert.Contains(t, report.Notes[0], "after 41 rotations the policy keeps 30 files, and 20 are there")
}

// A series that is written to, rotated and compressed all the while is whole all the
// while, also where no moment between two rotations is long enough for a listing.
func TestVerifyWhileItIsWritten(t *testing.T) {
	for _, options := range []string{"rotate 50\ncompress", "rotate 50\ndateext\ncompress", "rotate 50", "rotate 50\ndateext"} {
		for _, limit := range []int{512, 16} {
			t.Run(fmt.Sprintf("%s, files of %d bytes", options, limit), func(t *testing.T) {
				l := logtest.New(t, options, limit)
				l.Background = true
				l.Lines(1, 10)
				s := seriesOf(l, options)
				whileWriting(l, -1, func() {
					for range 60 {
						report, err := s.Verify(t.Context(), Expected{LimitBytes: int64(limit), Kept: true})
						if !assert.NoError(t, err) || !assert.Empty(t, withoutRemoved(report)) {
							return
						}
					}
				})
			})
		}
	}
}

// A gap moves on with its files, and is found wherever it is.
func TestGapIsFoundWhileItIsRotated(t *testing.T) {
	for options, name := range map[string]string{"rotate 300": "stdout.40", "rotate 300\ndateext": "stdout-20261122.40"} {
		t.Run(options, func(t *testing.T) {
			l := logtest.New(t, options, 16)
			l.Lines(1, 100)
			require.NoError(t, os.Remove(filepath.Join(l.Dir, name)))
			s := seriesOf(l, options)
			for range 20 {
				whileWriting(l, 9, func() {
					report, err := s.Verify(t.Context(), Expected{LimitBytes: 16, Kept: true})
					if !assert.NoError(t, err) || !assert.Len(t, report.Findings, 1) {
						return
					}
					assert.Equal(t, KindGap, report.Findings[0].Kind)
					assert.NotContains(t, report.Findings[0].Text, "numbers")
				})
			}
		})
	}
}

// whileWriting calls look in another goroutine while lines are written, so many of them; -1 is
// as many as can be.
func whileWriting(l *logtest.Logger, lines int, look func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		look()
	}()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		if i != lines {
			l.Lines(i, i)
			continue
		}
		<-done
		return
	}
}

// withoutRemoved leaves out what the retention has taken meanwhile.
func withoutRemoved(report *Report) (findings []Finding) {
	for _, finding := range report.Findings {
		if finding.Kind != KindRemoved {
			findings = append(findings, finding)
		}
	}
	return findings
}
