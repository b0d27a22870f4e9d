package rotation

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
	"sluice/core/rotation/script"
	"sluice/core/sandbox"
)

// driver stands for a stream: it writes the live file and rotates it.
type driver struct {
	t   testing.TB
	dir string // the sandbox

	policy logrotate.Policy
	sb     *sandbox.Dir
	set    *Set
	live   LiveFile
	now    time.Time
	// queue holds what the Set has submitted; work runs it.
	queue []Task
	// stopped is handed to every Set.
	stopped func(string) bool
}

func newDriver(t testing.TB, dir, options string) (*driver, error) {
	policy, _, err := logrotate.Parse(options, logrotate.Rules{AllowScripts: true, Sandbox: dir})
	if err != nil {
		return nil, err
	}
	sb, err := sandbox.Open(dir)
	require.NoError(t, err)
	d := &driver{t: t, dir: dir, policy: policy, sb: sb, live: LiveFile{Mode: defaultLiveMode, UID: -1, GID: -1}}
	t.Cleanup(func() {
		if d.set != nil {
			_ = d.set.Close()
		}
		_ = sb.Close()
	})
	return d, d.restart()
}

// restart is what a new process does, before it recovers.
func (d *driver) restart() error {
	runner := &script.Runner{
		Dir: d.sb, As: script.Own(), Timeout: time.Minute,
		Env: script.Environment(nil), Log: slog.New(slog.DiscardHandler),
	}
	d.queue = nil
	if d.set != nil {
		_ = d.set.Close()
	}
	set, err := New(Config{
		Dir: d.sb, Path: d.dir, Base: "stdout", Policy: d.policy,
		Submit:    func(task Task) { d.queue = append(d.queue, task) },
		RunScript: runner.Run,
		Log:       slog.New(slog.DiscardHandler),
		Now:       func() time.Time { return d.now },
	})
	if err == nil {
		set.stopped = d.stopped
	}
	d.set = set
	return err
}

// work does what waits in the background.
func (d *driver) work() {
	for len(d.queue) > 0 {
		task := d.queue[0]
		d.queue = d.queue[1:]
		if task(nil) {
			d.queue = append(d.queue, task)
		}
	}
}

func (d *driver) livePath() string { return filepath.Join(d.dir, "stdout") }

// append writes to the live file, making it as the Set says.
func (d *driver) append(text string, repeat int) {
	f, err := os.OpenFile(d.livePath(), os.O_WRONLY|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.OpenFile(d.livePath(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		require.NoError(d.t, err)
		require.NoError(d.t, d.live.Apply(f))
	}
	require.NoError(d.t, err)
	for range max(repeat, 1) {
		_, err = f.WriteString(text)
		require.NoError(d.t, err)
	}
	require.NoError(d.t, f.Close())
}

// wanted says whether the replaced program would rotate at a trigger: from one page
// below the limit, or above maxsize.
func (d *driver) wanted(maxSizeBytes int64) bool {
	info, err := os.Lstat(d.livePath())
	if err != nil || !info.Mode().IsRegular() {
		return true
	}
	const page = 4096
	return info.Size() >= maxSizeBytes-page || d.policy.MaxSizeBytes > 0 && info.Size() > d.policy.MaxSizeBytes
}

// touchLive sets the time of the live file, if it is one.
func (d *driver) touchLive() {
	if info, err := os.Lstat(d.livePath()); err == nil && info.Mode().IsRegular() {
		require.NoError(d.t, os.Chtimes(d.livePath(), d.now, d.now))
	}
}

// fire triggers a rotation, without the work in the background.
func (d *driver) fire(maxSizeBytes int64) (Outcome, error) {
	if !d.wanted(maxSizeBytes) {
		return Outcome{}, nil
	}
	out, err := d.set.Rotate(d.now)
	if out.Free() {
		d.live = out.Live
	}
	return out, err
}
