package hostile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The neighbour is a second container of the same user beside the attacker's. It writes
// a line now and then, looks how long that takes to be in its file, and ends with the
// attacker.

const (
	neighbourReport = "neighbour.json"
	// lineEvery is the neighbour's pause; lookEvery that between two looks at its file.
	lineEvery = 20 * time.Millisecond
	lookEvery = 100 * time.Microsecond
)

// control is no attack: as much output and as many changes of names, but of names that
// are not the logger's.
var control = attack{
	name: "nothing", keeps: true,
	act: func(k *task) { k.storm(func() { k.plant("foreign", k.symlink(k.canary)) }) },
}

// delays of the neighbour's lines, from before the write until the line is in the file,
// and the longest write.
type delays struct {
	Lines                int
	Median, P99, Longest time.Duration
	Blocked              time.Duration
}

// isNeighbour says which of two containers this is: the one that comes first attacks. It
// holds a lock for as long as it lives, and waits for the other.
func (k *task) isNeighbour() bool {
	k.role = k.outside + "/attacker"
	if k.stateDir == "" {
		return false // the program that is replaced has one stream
	}
	f, err := os.CreateTemp(k.outside, "role-")
	k.must(err)
	k.must(unix.Flock(int(f.Fd()), unix.LOCK_EX))
	k.lock = f // kept from the garbage collector, which would close it
	err = os.Link(f.Name(), k.role)
	k.must(os.Remove(f.Name()))
	if errors.Is(err, fs.ErrExist) {
		return true
	}
	k.must(err)
	for len(k.names(k.outside+"/watching")) == 0 {
		time.Sleep(time.Millisecond)
	}
	return false
}

// watch is what the neighbour does.
func (k *task) watch() {
	file, err := os.Open("stderr")
	k.must(err)
	attacker, err := os.Open(k.role)
	k.must(err)
	k.must(os.MkdirAll(k.outside+"/watching/now", 0o755))
	var times []time.Duration
	var report delays
	for unix.Flock(int(attacker.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
		before := time.Now()
		_, err := os.Stderr.WriteString(numbered(len(times)))
		k.must(err)
		report.Blocked = max(report.Blocked, time.Since(before))
		for arrived := int64(len(times)+1) * lineBytes; ; time.Sleep(lookEvery) {
			info, err := file.Stat()
			k.must(err)
			if info.Size() >= arrived {
				break
			}
		}
		times = append(times, time.Since(before))
		time.Sleep(lineEvery)
	}
	report.Lines = len(times)
	if slices.Sort(times); len(times) > 0 {
		report.Median, report.P99, report.Longest = times[len(times)/2], times[len(times)*99/100], times[len(times)-1]
	}
	content, err := json.Marshal(report)
	k.must(err)
	k.must(os.WriteFile(neighbourReport, content, 0o644))
}

// requireNeighbour says that the neighbour's log is whole, and logs how long its lines
// took.
func (p *proof) requireNeighbour(t *testing.T, sandbox string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(sandbox, neighbourReport))
	require.NoError(t, err)
	var got delays
	require.NoError(t, json.Unmarshal(content, &got))
	var want strings.Builder
	for i := range got.Lines {
		want.WriteString(numbered(i))
	}
	content, err = os.ReadFile(filepath.Join(sandbox, "stderr"))
	require.NoError(t, err)
	require.Equal(t, want.String(), string(content), "the neighbour's log")
	t.Logf("neighbour: %d lines, in the file after %v (median), %v (99 %%), %v (longest); longest write %v",
		got.Lines, got.Median, got.P99, got.Longest, got.Blocked)
}
