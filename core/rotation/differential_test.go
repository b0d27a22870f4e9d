package rotation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/rotation/casefile"
)

const (
	// combinations are compared in one run.
	combinations = 500
	// seedVariable repeats a run that failed; combinationVariable only one part of it.
	seedVariable        = "SLUICE_DIFFERENTIAL_SEED"
	combinationVariable = "SLUICE_DIFFERENTIAL_ONLY"
)

// TestAgainstLogrotate compares random policies, histories and rotations with what
// the installed logrotate makes of them.
func TestAgainstLogrotate(t *testing.T) {
	if _, err := exec.LookPath("logrotate"); err != nil {
		t.Skip("missing program: logrotate")
	}
	if faketimeLibrary() == "" {
		t.Skip("missing library: libfaketime")
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("%s=%d", seedVariable, seed)
	compared := 0
	for i := range combinations {
		if only := os.Getenv(combinationVariable); only != "" && only != strconv.Itoa(i) {
			continue
		}
		g := &gamble{rand.New(rand.NewPCG(seed, uint64(i)))}
		c := g.combination()
		if compare(t, c, fmt.Sprintf("%s=%d %s=%d", seedVariable, seed, combinationVariable, i)) {
			compared++
		}
	}
	if os.Getenv(combinationVariable) == "" {
		require.Greater(t, compared, combinations*3/4, "combinations compared to their end")
	}
}

// compare reports whether the two were compared to the end: it stops where the real
// program has met a case that a decision takes out.
func compare(t *testing.T, c casefile.Case, name string) bool {
	theirs := quickDir(t)
	require.NoError(t, os.Chmod(theirs, 0o755))
	for _, f := range c.InitialFiles {
		f.Lay(t, theirs)
	}
	r := startReplay(t, c)
	require.NoError(t, r.refusal, "%s\n%s", name, c.Options)
	if r.policy.CopyTruncate && r.policy.Rotate == 0 && r.policy.Compress {
		return true // fails in the real program at every rotation, in its own way
	}
	rd := &driver{t: t, dir: theirs, policy: r.policy, live: r.live}
	for i, step := range c.Rotations {
		rd.now = casefile.Clock(t, step.Time, time.UTC)
		rd.append(step.Append, step.Repeat)
		for _, b := range step.Before {
			b.Make(t, theirs)
		}
		rd.touchLive()
		stderr := runLogrotate(t, theirs, c, step.Time)
		c.Expected.Stderr = append(c.Expected.Stderr, stderr)
		r.c = c
		out := r.trigger(step)
		if r.deviates(i) {
			return false
		}
		want := casefile.ReadTree(t, theirs, casefile.Tree{})
		want = casefile.ReadTree(t, theirs, strict(want, r.policy.CopyTruncate || r.policy.RenameCopy))
		got := casefile.ReadTree(t, r.dir, want)
		require.Equal(t, want, got, "%s\nrotation %d of %+v\n%s\ninitial %+v\nlogrotate: %q\n%+v",
			name, i+1, c.Rotations, c.Options, c.InitialFiles, stderr, out)
	}
	return true
}

// strict asks for everything that can be compared. Copies have the time of copying.
func strict(t casefile.Tree, copies bool) casefile.Tree {
	for path, n := range t {
		if n.Type == "file" {
			n.SHA256, n.Nlink = "wanted", 1
			if !copies {
				n.Mtime = "wanted"
			}
			t[path] = n
		}
	}
	return t
}

// runLogrotate does what the replaced program does at a trigger.
func runLogrotate(t *testing.T, dir string, c casefile.Case, at string) []string {
	path := filepath.Join(dir, "stdout")
	conf := filepath.Join(t.TempDir(), "conf")
	options := strings.ReplaceAll(c.Options, "{SANDBOX}", dir)
	text := fmt.Sprintf("\"%s\" {\n%s\nsize %d\n}\n", path, options, c.MaxSize-4096)
	require.NoError(t, os.WriteFile(conf, []byte(text), 0o444))
	output, _ := atTime(at, "logrotate", "--state", path+".logrotate.state", conf).CombinedOutput()
	return strings.Split(strings.TrimSpace(string(output)), "\n")
}

// gamble makes combinations.
type gamble struct{ *rand.Rand }

func (g *gamble) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *gamble) chance(percent int) bool { return g.IntN(100) < percent }

func (g *gamble) combination() casefile.Case {
	c := casefile.Case{MaxSize: 4096}
	dated := g.chance(40)
	c.Options = strings.Join(g.options(dated), "\n")
	if strings.Contains(c.Options, "old\n") || strings.HasSuffix(c.Options, "old") {
		c.InitialFiles = append(c.InitialFiles, casefile.InitialFile{Path: "old", Type: "dir", Mode: "0755"})
	}
	c.InitialFiles = append(c.InitialFiles, g.history(dated, c.Options)...)
	at := time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)
	for i := range 2 + g.IntN(4) {
		c.Rotations = append(c.Rotations, casefile.Trigger{
			Append: fmt.Sprintf("gen-%02d\n", i), Repeat: 1 + g.IntN(3), Time: at.Format(casefile.ClockLayout),
			Before: g.meddling(at),
		})
		if dated {
			at = at.Add(time.Duration(1+g.IntN(3)) * 24 * time.Hour)
		} else {
			at = at.Add(time.Duration(1+g.IntN(40)) * time.Hour)
		}
	}
	return c
}

// meddling is what a task may do to its log files between two rotations.
func (g *gamble) meddling(at time.Time) []casefile.Change {
	if !g.chance(20) {
		return nil
	}
	name := "stdout." + strconv.Itoa(g.IntN(5)) + g.one("", "", ".gz")
	return []casefile.Change{
		{Op: g.one("write", "truncate"), Path: "stdout", Text: "meddled\n"},
		{Op: "write", Path: name, Text: "planted " + name + "\n", At: at},
	}[g.IntN(2):]
}

// options are in random order, as authors write them.
func (g *gamble) options(dated bool) []string {
	var o []string
	maybe := func(percent int, lines ...string) {
		if g.chance(percent) {
			o = append(o, g.one(lines...))
		}
	}
	maybe(85, "rotate 0", "rotate 1", "rotate 2", "rotate 3", "rotate 4", "rotate -1", "rotate 010", "rotate=2")
	maybe(25, "start 0", "start 1", "start 2", "start 7")
	maybe(50, "compress", "compress", "compress\ncompresscmd zstd", "nocompress")
	maybe(35, "delaycompress")
	maybe(10, "compressext .z", "compressoptions -9", "compressoptions --fast")
	maybe(20, "extension out", "extension .log", "addextension .log", "addextension out", "addextension out\nextension d")
	maybe(15, "olddir old", "olddir ./old", "olddir new\ncreateolddir 0700")
	maybe(20, "maxage 1", "maxage 2", "maxage 5")
	maybe(20, "create 0600", "create 640", "create", "create 0666")
	maybe(10, "copytruncate", "renamecopy")
	maybe(20, "notifempty", "missingok", "daily", "size 1k", "minsize 1M", "hourly", "weekly 3")
	maybe(10, "sharedscripts", "nomail", "noshred", "frobnicate 3", "# a comment")
	if dated {
		o = append(o, "dateext")
		maybe(40, "dateformat -%d-%m-%Y", "dateformat .%Y%m%d-%H%M%S", "dateformat -%s", "dateformat _%m%d",
			"dateformat -%Y-w%V-%d", "dateformat %Y%j%m%d", "dateformat -%%%Y%m%d")
		maybe(15, "dateyesterday", "datehourago")
	}
	if joined := strings.Join(o, "\n"); strings.Contains(joined, "maxage") {
		// A copy has the time of copying, by a clock that faketime does not set.
		o = append(o, "nocopytruncate", "norenamecopy")
		return o
	}
	g.Shuffle(len(o), func(i, j int) { o[i], o[j] = o[j], o[i] })
	return o
}

// history is what an earlier policy may have left.
func (g *gamble) history(dated bool, options string) []casefile.InitialFile {
	var files []casefile.InitialFile
	seen := map[string]bool{}
	for range g.IntN(6) {
		name := "stdout." + strconv.Itoa(g.IntN(6))
		if dated {
			day := time.Date(2024, 3, 9-g.IntN(20), 3, 4, 5, 0, time.UTC)
			name = "stdout" + g.one(day.Format("-20060102"), day.Format("-02-01-2006"), day.Format(".20060102-150405"))
		}
		name += g.one("", "", ".gz", ".gz", ".log", ".log.gz")
		if strings.Contains(options, "olddir") && g.chance(70) {
			name = "old/" + name
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		files = append(files, casefile.InitialFile{
			Path: name, Text: "old " + name + "\n", Gzip: strings.HasSuffix(name, ".gz"),
			Mode:  g.one("", "", "0600"),
			Mtime: time.Date(2024, 3, 10-g.IntN(8), g.IntN(24), 0, 0, 0, time.UTC).Format(casefile.ClockLayout),
		})
	}
	return files
}
