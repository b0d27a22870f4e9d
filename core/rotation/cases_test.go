package rotation

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
	"sluice/core/rotation/casefile"
	"sluice/tests/kit"
)

// TestRecordedCases replays what was recorded from the real program.
func TestRecordedCases(t *testing.T) {
	for _, c := range casefile.Load(t) {
		t.Run(c.Name, func(t *testing.T) {
			if c.RootOnly && os.Geteuid() != 0 {
				t.Skip("giving files away needs CAP_CHOWN")
			}
			r := startReplay(t, c)
			switch {
			case c.Stream != nil:
				r.stream()
			case r.refusal != nil || r.mustRefuse():
				r.assertRefused()
			case acceptedOnPurpose(c.Options):
				r.rotatesAll()
			default:
				r.rotations()
			}
		})
	}
}

// replay is one case under way.
type replay struct {
	t testing.TB
	c casefile.Case
	*driver
	// refusal is the error that the options got.
	refusal error
	// history is what the series and the live file held before, and then got.
	history string
	scripts int
}

func startReplay(t testing.TB, c casefile.Case) *replay {
	dir := quickDir(t)
	require.NoError(t, os.Chmod(dir, 0o755))
	for _, f := range c.InitialFiles {
		f.Lay(t, dir)
	}
	r := &replay{t: t, c: c}
	r.driver, r.refusal = newDriver(t, dir, strings.ReplaceAll(c.Options, "{SANDBOX}", dir))
	return r
}

// mustRefuse: the kinds that say so, and directives that a decision refuses.
func (r *replay) mustRefuse() bool {
	return (r.c.Kind == "config-error" || r.c.Kind == "refuse") && !acceptedOnPurpose(r.c.Options)
}

// assertRefused asserts that the refusal is one that the kind or a decision allows.
func (r *replay) assertRefused() {
	require.Error(r.t, r.refusal, "the options must be refused")
	if r.mustRefuse() {
		return
	}
	refused := []string{`"copy"`, `"mail"`}
	for _, word := range refused {
		if strings.Contains(r.refusal.Error(), word) {
			return
		}
	}
	require.NoError(r.t, r.refusal, "the options must be accepted")
}

func (r *replay) rotations() {
	r.history = r.seriesText()
	for i, trigger := range r.c.Rotations {
		out := r.trigger(trigger)
		want := r.c.Expected.AfterEach[i]
		if r.deviates(i) {
			r.assertDecision(out)
			continue
		}
		require.Equal(r.t, want, casefile.ReadTree(r.t, r.dir, want), "after rotation %d: %s", i+1, r.c.Options)
		require.NoError(r.t, firstProblem(out), "rotation %d", i+1)
	}
	tail := "tail\n"
	if r.c.Tail != nil {
		tail = *r.c.Tail
	}
	if tail != "" {
		r.append(tail, 1)
	}
	if !r.deviates(len(r.c.Rotations) - 1) {
		require.Equal(r.t, r.c.Expected.Final, casefile.ReadTree(r.t, r.dir, r.c.Expected.Final), "at the end: %s", r.c.Options)
	}
}

// rotatesAll: where the real program drops the section, every trigger rotates.
func (r *replay) rotatesAll() {
	for _, trigger := range r.c.Rotations {
		require.True(r.t, r.trigger(trigger).Rotated)
	}
}

// firstProblem is a problem that the real program did not have either.
func firstProblem(out Outcome) error {
	if len(out.Problems) == 0 || out.FailedScripts > 0 {
		return nil
	}
	return out.Problems[0]
}

// trigger does one rotation of a case, background work included.
func (r *replay) trigger(step casefile.Trigger) Outcome {
	r.now = casefile.Clock(r.t, step.Time, r.c.Location(r.t))
	if step.Append != "" {
		r.append(step.Append, step.Repeat)
		r.history += strings.Repeat(step.Append, max(step.Repeat, 1))
	}
	for _, b := range step.Before {
		b.Make(r.t, r.dir)
	}
	r.touchLive()
	out, err := r.fire(r.c.MaxSize)
	require.NoError(r.t, err)
	r.work()
	r.scripts += out.FailedScripts
	return out
}

// deviates says that by rotation i the real program has done what a decision
// replaces: skipped a rotation, lost a file, or stopped at a failure.
func (r *replay) deviates(last int) bool {
	if r.c.Deviates != "" {
		return true
	}
	for i := 0; i <= last && i < len(r.c.Expected.Stderr); i++ {
		for _, line := range r.c.Expected.Stderr[i] {
			for _, sign := range []string{
				"already exists, skipping rotation", "failed to compress log", "error renaming",
				"error running first action", "error running non-shared", "error running shared",
			} {
				if strings.Contains(line, sign) {
					return true
				}
			}
		}
	}
	return false
}

// assertDecision asserts what all the decisions are for: the live file has been
// taken away, and what the policy keeps is the end of what was written, in order.
func (r *replay) assertDecision(out Outcome) {
	require.True(r.t, out.Free() || out.Empty, "the live name is free: %+v", out)
	_, err := os.Lstat(r.livePath())
	require.ErrorIs(r.t, err, os.ErrNotExist)
	files, err := r.set.Files()
	require.NoError(r.t, err)
	if out.Impostors > 0 {
		require.NotEmpty(r.t, r.names("impostor"))
		return
	}
	if r.policy.Rotate >= 0 {
		require.LessOrEqual(r.t, len(files), r.policy.Rotate)
	}
	require.True(r.t, strings.HasSuffix(r.history, r.seriesText()),
		"the series %q is the end of %q", r.seriesText(), r.history)
	if r.policy.Rotate != 0 {
		require.NotEmpty(r.t, files)
	}
	if strings.Contains(r.c.Options, "lastaction") && r.scripts > 0 {
		require.NotEmpty(r.t, r.names("script.out"), "the scripts after the failed one ran")
	}
}

// names lists what contains the text.
func (r *replay) names(part string) []string {
	entries, err := os.ReadDir(r.dir)
	require.NoError(r.t, err)
	var names []string
	for _, e := range entries {
		if strings.Contains(e.Name(), part) {
			names = append(names, e.Name())
		}
	}
	return names
}

// seriesText joins the rotated files from the oldest to the youngest.
func (d *driver) seriesText() string {
	if d == nil || d.set == nil {
		return ""
	}
	files, err := d.set.Files()
	require.NoError(d.t, err)
	var b strings.Builder
	for _, f := range files {
		if f.Links == 1 {
			raw, err := os.ReadFile(d.dir + "/" + d.policy.OldDir + "/" + f.Name)
			require.NoError(d.t, err)
			_, content := casefile.Decode(d.t, raw)
			b.Write(content)
		}
	}
	return b.String()
}

// stream replays a case in which the replaced program chose when to rotate: there
// the cut is its own, but series and number of files are not.
func (r *replay) stream() {
	if r.refusal != nil || r.mustRefuse() {
		r.assertRefused()
		return
	}
	r.now = casefile.Clock(r.t, r.c.Stream.Time, r.c.Location(r.t))
	limit := r.policy.LimitBytes(r.c.MaxSize)
	written := string(kit.Lines(r.c.Stream.Bytes/8+1, 8))[:r.c.Stream.Bytes]
	for rest := written; rest != ""; {
		fits := rest
		if int64(len(rest)) > limit {
			fits = rest[:strings.LastIndexByte(rest[:limit], '\n')+1]
		}
		r.append(fits, 1)
		if rest = rest[len(fits):]; rest != "" {
			out, err := r.set.Rotate(r.now)
			require.NoError(r.t, err)
			require.True(r.t, out.Rotated)
			r.live = out.Live
			r.work()
		}
	}
	r.assertStream(written, limit)
}

func (r *replay) assertStream(written string, limit int64) {
	live, err := os.ReadFile(r.livePath())
	require.NoError(r.t, err)
	files, err := r.set.Files()
	require.NoError(r.t, err)
	for _, f := range files {
		require.LessOrEqual(r.t, f.Size, limit, f.Name)
	}
	joined := r.seriesText() + string(live)
	require.True(r.t, strings.HasSuffix(written, joined), "the series is the end of what was written")
	require.True(r.t, strings.HasPrefix(joined, "0") && strings.HasPrefix(joined[8:], "0"), "no line is torn")
	if r.deviates(len(r.c.Expected.Stderr)) {
		require.LessOrEqual(r.t, len(files), r.policy.Rotate)
		return
	}
	require.Len(r.t, files, len(r.c.Expected.Final)-1, "number of rotated files")
}

// TestCasesKeepTheirPolicies asserts that the effective policy, shown in logrotate's
// language, is the same policy again.
func TestCasesKeepTheirPolicies(t *testing.T) {
	rules := logrotate.Rules{AllowScripts: true, Sandbox: "/sandbox"}
	for _, c := range casefile.Load(t) {
		first, _, err := logrotate.Parse(strings.ReplaceAll(c.Options, "{SANDBOX}", "/sandbox"), rules)
		if err != nil {
			continue
		}
		var b strings.Builder
		for _, line := range first.Lines() {
			b.WriteString(line.Text + "\n")
		}
		second, _, err := logrotate.Parse(b.String(), rules)
		require.NoError(t, err, "%s: %s", c.Name, b.String())
		require.Equal(t, texts(first), texts(second), c.Name)
	}
}

func texts(p logrotate.Policy) []string {
	var all []string
	for _, line := range p.Lines() {
		all = append(all, line.Text)
	}
	return all
}
