package rotation

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
	"sluice/core/rotation/script"
	"sluice/core/sandbox"
)

// workshop is a Set with a compressor that works when the test lets it.
type workshop struct {
	*driver
	// running gets a value when a compression has begun; the answer ends it.
	running chan struct{}
	answer  chan error
	done    sync.WaitGroup
}

func newWorkshop(t *testing.T, options string) *workshop {
	dir := t.TempDir()
	policy, _, err := logrotate.Parse(options+"\ncompress\ncompresscmd slow\ncompressext .slow", logrotate.Rules{AllowScripts: true})
	require.NoError(t, err)
	sb, err := sandbox.Open(dir)
	require.NoError(t, err)
	w := &workshop{running: make(chan struct{}), answer: make(chan error)}
	w.driver = &driver{t: t, dir: dir, policy: policy, sb: sb, now: time.Unix(1710072000, 0).UTC()}
	w.live = LiveFile{Mode: defaultLiveMode, UID: -1, GID: -1}
	w.set, err = New(Config{
		Dir: sb, Path: dir, Base: "stdout", Policy: policy, Log: slog.New(slog.DiscardHandler),
		Submit:    func(task Task) { w.done.Go(func() { task(nil) }) },
		RunScript: w.compress,
		Now:       func() time.Time { return w.now },
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		w.done.Wait()
		require.NoError(t, w.set.Close())
		require.NoError(t, sb.Close())
	})
	return w
}

// compress stands for the slow program: its output is the content behind "slow:".
func (w *workshop) compress(c script.Command) error {
	w.running <- struct{}{}
	if err := <-w.answer; err != nil {
		return err
	}
	content, err := io.ReadAll(c.Stdin)
	if err == nil {
		_, err = fmt.Fprintf(c.Stdout, "slow:%s", content)
	}
	return err
}

func (w *workshop) rotate(text string) {
	w.append(text, 1)
	out, err := w.set.Rotate(w.now)
	require.NoError(w.t, err)
	require.True(w.t, out.Rotated)
}

// contents is the whole sandbox, as "name=content".
func (d *driver) contents() []string {
	entries, err := os.ReadDir(d.dir)
	require.NoError(d.t, err)
	var all []string
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(d.dir, e.Name()))
		if errors.Is(err, os.ErrNotExist) {
			content = []byte("a note")
		}
		all = append(all, e.Name()+"="+string(content))
	}
	return all
}

func TestCompressionFinishesInTheSlotWhereTheFileIsNow(t *testing.T) {
	w := newWorkshop(t, "rotate 3")
	w.rotate("a")
	<-w.running
	w.rotate("b")
	<-w.running
	w.answer <- nil
	w.answer <- nil
	w.done.Wait()
	require.Equal(t, []string{"stdout.1.slow=slow:b", "stdout.2.slow=slow:a"}, w.contents())
	require.Equal(t, Stats{Compressed: 2}, w.set.Stats())
}

func TestCompressionOfWhatIsDisposedOfLeavesNothing(t *testing.T) {
	w := newWorkshop(t, "rotate 1")
	w.rotate("a")
	<-w.running
	w.rotate("b")
	<-w.running
	w.answer <- nil
	w.answer <- nil
	w.done.Wait()
	require.Equal(t, []string{"stdout.1.slow=slow:b"}, w.contents())
}

func TestFailedCompressionKeepsThePlainFileAndTriesAgain(t *testing.T) {
	w := newWorkshop(t, "rotate 3")
	w.rotate("a")
	<-w.running
	w.answer <- errors.New("no space left")
	w.done.Wait()
	require.Contains(t, w.contents(), "stdout.1=a")
	require.Equal(t, Stats{FailedCompressions: 1, Pending: 1}, w.set.Stats())

	w.rotate("b")
	<-w.running
	<-w.running
	require.Contains(t, w.contents(), "stdout.2=a", "a plain file is shifted like any other")
	w.answer <- nil
	w.answer <- nil
	w.done.Wait()
	require.Equal(t, []string{"stdout.1.slow=slow:b", "stdout.2.slow=slow:a"}, w.contents())
}

func TestCompressionOfAFileThatGrowsIsNotBelieved(t *testing.T) {
	w := newWorkshop(t, "rotate 3")
	w.rotate("a")
	<-w.running
	f, err := os.OpenFile(filepath.Join(w.dir, "stdout.1"), os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = f.WriteString(" and more")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	w.answer <- nil
	w.done.Wait()
	require.Contains(t, w.contents(), "stdout.1=a and more")
}

func TestCompressionOfAStolenFileEnds(t *testing.T) {
	w := newWorkshop(t, "rotate 3")
	w.rotate("a")
	<-w.running
	require.NoError(t, os.Remove(filepath.Join(w.dir, "stdout.1")))
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "stdout.1"), []byte("forged"), 0o600))
	w.answer <- nil
	w.done.Wait()
	require.Equal(t, []string{"stdout.1=forged"}, w.contents())
	require.Zero(t, w.set.Stats().Pending)
}

func TestCompressionGoesAroundFilesOfAnEarlierPolicy(t *testing.T) {
	w := newWorkshop(t, "rotate 4")
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "stdout.2"), []byte("older"), 0o644))
	w.rotate("a")
	<-w.running
	w.rotate("b")
	<-w.running
	require.Contains(t, w.contents(), "stdout.2=a")
	w.rotate("c")
	<-w.running
	for range 3 {
		w.answer <- nil
	}
	w.done.Wait()
	require.Equal(t, []string{
		"stdout.1.slow=slow:c", "stdout.2=older", "stdout.2.slow=slow:b", "stdout.3.slow=slow:a",
	}, w.contents())
}

// TestEverythingAtOnce rotates, compresses, drops, lists and expires at the same
// time. Whatever is left is the end of what was written, in order, with no gap
// within.
func TestEverythingAtOnce(t *testing.T) {
	for _, options := range []string{
		"rotate 4\ncompress", "rotate 4\ncompress\ndelaycompress", "rotate 4\ndateext\ncompress", "rotate -1\ncompress",
		"rotate 4\nolddir old\ncreateolddir\ncompress\ncompresscmd zstd",
	} {
		t.Run(options, func(t *testing.T) {
			d, err := newDriver(t, t.TempDir(), options)
			require.NoError(t, err)
			var work, others sync.WaitGroup
			d.set.cfg.Submit = func(task Task) { work.Go(func() { task(nil) }) }
			if strings.Contains(options, "rotate 4\ncompress") {
				d.set.cfg.Settle = func(task func()) {
					var settled sync.WaitGroup
					settled.Go(task)
					settled.Wait()
				}
			}
			d.now = time.Unix(1710072000, 0).UTC()
			stop := make(chan struct{})
			for _, disturb := range []func(){
				func() { _, err := d.set.Files(); require.NoError(t, err) },
				func() { require.NoError(t, d.set.Expire(d.now)) },
				func() { _ = d.set.Stats() },
			} {
				others.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							disturb()
						}
					}
				})
			}
			history := ""
			for i := range 150 {
				text := strings.Repeat(fmt.Sprintf("%06d\n", i), 1000)
				history += text
				d.append(text, 1)
				_, err := d.set.Rotate(d.now)
				require.NoError(t, err)
				if i%20 == 19 {
					_, _, err = d.set.DropOldest()
					require.NoError(t, err)
				}
			}
			close(stop)
			others.Wait()
			work.Wait()
			require.True(t, strings.HasSuffix(history, d.seriesText()))
			require.Zero(t, d.set.Stats().Pending)
			require.Zero(t, d.set.Stats().FailedCompressions)
			for _, name := range d.contents() {
				require.False(t, strings.HasPrefix(name, ".stdout"), name)
			}
		})
	}
}
