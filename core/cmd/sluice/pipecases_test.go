package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
	"sluice/core/rotation/casefile"
)

// TestPipeReplaysTheRecordedCases gives `sluice pipe` what was recorded from the real
// logrotate as mesos-logrotate-logger calls it: every case but those that hang on a clock
// that can be set, on a trigger without output, or on what has been decided otherwise.
// These are replayed in package rotation.
func TestPipeReplaysTheRecordedCases(t *testing.T) {
	replayed := 0
	for _, c := range casefile.Load(t) {
		r := pipeReplay{Case: c}
		var replay func(*testing.T)
		switch {
		case r.refused():
			replay = r.refusal
		case c.Stream != nil:
			replay = r.stream
		case r.hangsOnMore() == "":
			replay = r.rotations
		}
		if replay != nil {
			replayed++
			t.Run(c.Name, replay)
		}
	}
	t.Logf("%d cases", replayed)
	assert.Greater(t, replayed, 70)
}

// pipeReplay is one case.
type pipeReplay struct {
	casefile.Case

	path string
}

// refused says that the options must not be accepted, by their kind or by a decision.
func (r *pipeReplay) refused() bool {
	_, _, err := logrotate.Parse(r.Options, logrotate.Rules{AllowScripts: true, Sandbox: "{SANDBOX}"})
	return err != nil || (r.Kind == "config-error" || r.Kind == "refuse") && !strings.Contains(r.Options, "tabooext")
}

// hangsOnMore says what a case needs that a pipe cannot give it.
func (r *pipeReplay) hangsOnMore() string {
	if r.RootOnly && os.Geteuid() != 0 {
		return "files that root gives away"
	}
	for _, f := range r.InitialFiles {
		if f.Path == "stdout" && f.Mode != "" && f.Mode != "0644" && !strings.Contains(r.Options, "create") {
			return "the mode of a log, which the real program loses without create"
		}
	}
	if strings.Contains(r.Options, "tabooext") {
		return "a section that the real program drops, and that means nothing here"
	}
	if strings.Contains(r.Options, "ls {SANDBOX}") {
		return "a listing, which has the policy shown to people too"
	}
	for _, directive := range []string{"dateext", "maxage", "minage", "maxsize", "hourly", "daily", "weekly", "monthly", "yearly"} {
		if strings.Contains(r.Options, directive) {
			return directive
		}
	}
	for _, rotation := range r.Rotations {
		if rotation.Append == "" {
			return "a trigger without output"
		}
		for _, change := range rotation.Before {
			if change.Path == "stdout" || change.Target == "stdout" {
				return "a live file that somebody changes"
			}
		}
	}
	for _, line := range slices.Concat(r.Expected.Stderr...) {
		if strings.HasPrefix(line, "error: ") {
			return "a failure that is no reason to stop any more"
		}
	}
	return r.Deviates
}

// options are those of the case; the real program keeps nothing where they do not say.
func (r *pipeReplay) options() string {
	options := strings.ReplaceAll(r.Options, "{SANDBOX}", filepath.Dir(r.path))
	if !slices.Contains(strings.Fields(options), "rotate") {
		options = "rotate 0\n" + options
	}
	return options
}

func (r *pipeReplay) command(t *testing.T, limitBytes int) *exec.Cmd {
	t.Helper()
	r.path = filepath.Join(openDir(t), "stdout")
	for _, f := range r.InitialFiles {
		f.Lay(t, filepath.Dir(r.path))
	}
	// The replaced program makes the first file itself, before the policy has a say.
	first, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	require.NoError(t, first.Close())
	return process("pipe", "--log_filename="+r.path, "--allow_scripts=true", "--max_delay=10ms",
		"--max_size="+strconv.Itoa(limitBytes)+"B", "--logrotate_options="+r.options())
}

func (r *pipeReplay) refusal(t *testing.T) {
	cmd := r.command(t, int(r.MaxSize))
	cmd.Stdin = strings.NewReader("a line\n")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Regexp(t, "--logrotate_options: line |olddir", string(out))
	if content, err := os.ReadFile(r.path); err == nil {
		require.NotContains(t, string(content), "a line")
	}
}

// stream is a case in which the replaced program chose when to rotate: the cut is its own.
func (r *pipeReplay) stream(t *testing.T) {
	written := sevenDigits(r.Stream.Bytes)
	cmd := r.command(t, int(r.MaxSize))
	cmd.Stdin = bytes.NewReader(written)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	got, rotated := joined(t, r.path)
	require.True(t, bytes.HasSuffix(written, got), "the end of what was written")
	if r.hangsOnMore() == "" {
		require.Equal(t, len(r.Expected.Final)-1, rotated)
	}
}

// rotations are triggered by a line that fills more than half a file: two of them and what
// a case appends between them do not fit into one. The lines are taken out at the end.
func (r *pipeReplay) rotations(t *testing.T) {
	most := 0
	for _, f := range r.InitialFiles {
		most += len(f.Text)
	}
	for _, rotation := range r.Rotations {
		most = max(most, len(rotation.Append)*max(rotation.Repeat, 1))
	}
	filler := strings.Repeat("#", most+4096) + "\n"
	cmd := r.command(t, 2*most+len(filler))
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	var said bytes.Buffer
	cmd.Stderr = &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })

	feed := func(text string, live int64) {
		_, err := stdin.Write([]byte(text))
		require.NoError(t, err)
		for {
			if info, err := os.Lstat(r.path); err == nil && info.Size() == live {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	var live int64
	if info, err := os.Stat(r.path); err == nil {
		live = info.Size()
	}
	feed(filler, live+int64(len(filler)))
	live += int64(len(filler))
	for _, rotation := range r.Rotations {
		text := strings.Repeat(rotation.Append, max(rotation.Repeat, 1))
		feed(text, live+int64(len(text)))
		for _, change := range rotation.Before {
			change.Make(t, filepath.Dir(r.path))
		}
		live = int64(len(filler))
		feed(filler, live)
	}
	tail := "tail\n"
	if r.Tail != nil {
		tail = *r.Tail
	}
	_, err = stdin.Write([]byte(tail))
	require.NoError(t, err)
	require.NoError(t, stdin.Close())
	require.NoError(t, cmd.Wait(), said.String())
	takeOut(t, filepath.Dir(r.path), filler)
	want := withoutTimes(r.Expected.Final)
	require.Equal(t, want, casefile.ReadTree(t, filepath.Dir(r.path), want), "%s\n%s", r.Options, said.String())
}

// withoutTimes leaves open what the clock of the recording has set.
func withoutTimes(recorded casefile.Tree) casefile.Tree {
	tree := casefile.Tree{}
	for name, node := range recorded {
		node.Mtime = ""
		tree[name] = node
	}
	return tree
}

// takeOut removes a text from every file beneath dir, compressed ones included.
func takeOut(t *testing.T, dir, text string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		encoding, content := casefile.Decode(t, raw)
		content = bytes.ReplaceAll(content, []byte(text), nil)
		if encoding != "plain" {
			cmd := exec.Command(encoding, "-c")
			cmd.Stdin = bytes.NewReader(content)
			if content, err = cmd.Output(); err != nil {
				return err
			}
		}
		return os.WriteFile(path, content, 0o600)
	}))
}
