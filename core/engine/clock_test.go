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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sluicepb "sluice/proto"
)

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
				e.reactor.Tend()
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
		"engine/control.go": 1, "budget/account.go": 1, "pipelog/pipelog.go": 1, "engine/record.go": 1, // told to people
		"control/answer.go": 1, "stream/dropping.go": 1, "stream/loss.go": 1, "stream/unattended.go": 1, // the same
		"engine/entry.go": 1, "sandbox/aside.go": 1, // names
		"stream/record.go": 1, "stream/rotate.go": 1, "seriesname/datekey.go": 1, "seriesname/dateformat.go": 1, "rotation/set.go": 1, // the calendar
		"times/index.go": 2, "times/writer.go": 1, "series/stamp.go": 1, "cmd/sluice/merge.go": 1, "cmd/sluice/stamps.go": 1, // when lines were written, for people
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
