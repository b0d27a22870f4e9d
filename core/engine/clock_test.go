package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/sandbox"
	"sluice/core/settings"
	sluicepb "sluice/proto"
)

// wallSet is t as it is read after somebody has set the wall clock by so many seconds.
func wallSet(t *testing.T, at time.Time, seconds int64) time.Time {
	t.Helper()
	set := at
	// The seconds of a time with a monotonic reading stand above 30 bits of nanoseconds.
	*(*uint64)(unsafe.Pointer(&set)) += uint64(seconds) << 30
	require.Equal(t, at.Unix()+seconds, set.Unix())
	require.Zero(t, set.Sub(at))
	return set
}

// The clock is set back by an hour: the free space is looked at as often as before.
func TestFreeSpaceIsLookedAtWhateverTheWallClock(t *testing.T) {
	dir, err := sandbox.Open(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	s := &space{device: dir.Device()}
	began := time.Now().Add(time.Minute)
	looks := 0
	for i := range 60 {
		now := began.Add(time.Duration(i) * time.Second)
		if i > 0 {
			now = wallSet(t, now, -3600)
		}
		s.nextBytes.Store(1 << 40)
		s.written.Store(1) // a look takes it back
		s.visited(settings.Free{Bytes: 1}, dir, 0, now, func(string, error) {})
		if s.written.Load() == 0 {
			looks++
		}
	}
	assert.Equal(t, 60, looks)
}

// And so is what can be given where nobody had anything a moment ago.
func TestTheBudgetLooksWhateverTheWallClock(t *testing.T) {
	b := budgetBed(t, "512KB")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "c1")
	entry := b.entryOf(e, "c1", "stdout")
	waitFor(func() bool { return resting(e) })
	e.budget.takenBytes.Add(1 << 30) // of nobody
	now := time.Now()
	e.budget.trim(now)
	before := e.budget.rescan.Load()
	e.budget.visited(entry, wallSet(t, now.Add(rescanAfter/2), 3600))
	assert.Equal(t, before, e.budget.rescan.Load(), "it is too soon")
	e.budget.visited(entry, wallSet(t, now.Add(2*rescanAfter), -3600))
	assert.Greater(t, e.budget.rescan.Load(), before)
	e.budget.takenBytes.Add(-1 << 30)
	stdout.Close()
	stderr.Close()
	waitEnded(e)
}

// A container whose record is of a time when the clock was years ahead is rotated at
// the next minute, once, and by the calendar from then on.
func TestARotationInTheFuture(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(r *sluicepb.StreamRecord, at int64)
	}{
		{"began", func(r *sluicepb.StreamRecord, at int64) { r.CreatedUnixNano = at }},
		{"rotated", func(r *sluicepb.StreamRecord, at int64) { r.GetAccounting().LastRotationUnixNano = at }},
		{"both", func(r *sluicepb.StreamRecord, at int64) {
			r.CreatedUnixNano, r.GetAccounting().LastRotationUnixNano = at, at
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTestbed(t, "logrotate_stdout_options", "rotate 9\nyearly")
			stdout, stderr := b.abandoned("c")
			b.rewrite("stdout", func(r *sluicepb.StreamRecord) { c.set(r, time.Now().AddDate(10, 0, 0).UnixNano()) })
			e := b.open()
			defer e.Close()
			written := int64(0)
			tend := func() {
				_, err := stdout.WriteString("line\n")
				require.NoError(t, err)
				written += 5
				waitFor(func() bool { return e.Metrics().WrittenBytes == written && resting(e) })
				visits := e.Metrics().Visits
				e.tend()
				waitFor(func() bool { return e.Metrics().Visits > visits && resting(e) })
			}
			tend()
			assert.EqualValues(t, 1, e.Metrics().Rotations)
			assert.Equal(t, "line\n", b.read("c", "stdout.1"))
			assert.Equal(t, 1, strings.Count(b.log.String(), "the last rotation is in the future"))
			tend()
			assert.EqualValues(t, 1, e.Metrics().Rotations)
			stdout.Close()
			stderr.Close()
			waitEnded(e)
		})
	}
}

// Nobody waits by the wall clock: what is made of it is for people, for the calendar or
// for the times of files. Who needs it for that adds himself here.
func TestNobodyWaitsByTheWallClock(t *testing.T) {
	allowed := map[string]int{
		"engine/asking.go": 1, "engine/holding.go": 1, "engine/pipe.go": 1, "engine/record.go": 1, // told to people
		"owner/serve.go": 1, "stream/gap.go": 1, "stream/spill.go": 1, "stream/unattended.go": 1, // the same
		"engine/entry.go": 1, "sandbox/aside.go": 1, // names
		"stream/rotate.go": 2, "rotation/datekey.go": 1, "rotation/dateformat.go": 1, "rotation/set.go": 1, // the calendar
		"sandbox/attributes.go": 1, "remote/start.go": 2, "remote/find.go": 1, // times of files, and names of sockets
	}
	found := map[string]int{}
	require.NoError(t, filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok && len(call.Args) == 0 {
				if method, ok := call.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(method.Sel.Name, "Unix") {
					found[strings.TrimPrefix(filepath.ToSlash(path), "../")]++
				}
			}
			return true
		})
		return nil
	}))
	assert.Equal(t, allowed, found)
}
