package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Tasks that write until they are told to stop, what can be written again from a
// seed. They are this test binary itself, started by the harness.
const (
	writerArgument = "write-until-told"
	pidFile        = "pid"     // written when the task begins
	endFile        = "end"     // made by the test: the task ends
	writtenFile    = "written" // what the task has written by then
)

// floodSeed is the argument of a task that floods its pipe in place of a seed.
const floodSeed = "flood"

// written is what one task has written to each stream, in bytes.
type written struct{ Stdout, Stderr int64 }

// init makes this binary the task where it is started as one: testing's flags would
// refuse its arguments.
func init() {
	if len(os.Args) != 3 || os.Args[1] != writerArgument {
		return
	}
	write := func() error { return writeUntilTold(os.Args[2]) }
	switch os.Args[2] {
	case floodSeed:
		write = floodUntilTold
	case onceSeed:
		write = writeOnce
	}
	if err := write(); err != nil {
		_ = os.WriteFile(writtenFile, []byte(err.Error()), 0o600)
		os.Exit(1)
	}
	os.Exit(0)
}

// writerTask is the command line of such a task.
func writerTask(t *testing.T, seed uint64) []string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return []string{"--", self, writerArgument, strconv.FormatUint(seed, 10)}
}

// writeUntilTold writes single lines to one stream and bulk to the other, until the
// end file is there.
func writeUntilTold(seedText string) error {
	seed, err := strconv.ParseUint(seedText, 10, 64)
	if err != nil {
		return err
	}
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	var done written
	var errOut, errErr error
	var both sync.WaitGroup
	both.Go(func() { done.Stdout, errOut = writeLines(os.Stdout, newText(seed, "stdout")) })
	both.Go(func() { done.Stderr, errErr = writeBulk(os.Stderr, newText(seed, "stderr")) })
	both.Wait()
	for _, err := range []error{errOut, errErr} {
		if err != nil {
			return err
		}
	}
	text, err := json.Marshal(done)
	if err != nil {
		return err
	}
	if err := os.WriteFile(writtenFile+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(writtenFile+".new", writtenFile)
}

// The tasks pause, so that the machine has time for more than one of them.
const (
	linesPerPause = 20
	linesPause    = time.Millisecond
	bulkPause     = 15 * time.Millisecond
)

func toldToEnd() bool {
	_, err := os.Stat(endFile)
	return err == nil
}

func writeLines(w io.Writer, text *text) (total int64, err error) {
	for !toldToEnd() {
		for range linesPerPause {
			n, err := w.Write(text.line())
			total += int64(n)
			if err != nil {
				return total, err
			}
		}
		time.Sleep(linesPause)
	}
	return total, nil
}

func writeBulk(w io.Writer, text *text) (total int64, err error) {
	const bulkBytes = 32 << 10
	for !toldToEnd() {
		bulk := bufio.NewWriterSize(w, bulkBytes)
		for bulk.Available() > 0 && bulk.Buffered() < bulkBytes/2 {
			n, err := bulk.Write(text.line())
			total += int64(n)
			if err != nil {
				return total, err
			}
		}
		if err := bulk.Flush(); err != nil {
			return total, err
		}
		time.Sleep(bulkPause)
	}
	return total, nil
}

// text is an endless text of numbered lines: most short, some long, now and then one
// of many pages.
type text struct {
	name   string
	random *rand.Rand
	number int
	buffer []byte
}

func newText(seed uint64, name string) *text {
	return &text{name: name, random: rand.New(rand.NewPCG(seed, uint64(len(name)+int(name[3]))))}
}

// line gives the next line; it is valid until the one after.
func (s *text) line() []byte {
	s.number++
	length := 20 + s.random.IntN(200)
	switch s.random.IntN(1000) {
	case 0:
		length = 20_000
	case 1, 2, 3:
		length = 3000
	}
	s.buffer = fmt.Appendf(s.buffer[:0], "%s %09d ", s.name, s.number)
	for len(s.buffer) < length {
		s.buffer = append(s.buffer, byte('a'+s.number%26))
	}
	s.buffer = append(s.buffer, '\n')
	return s.buffer
}

// take gives the first count bytes of a text.
func (s *text) take(count int64) []byte {
	all := make([]byte, 0, count+20_000)
	for int64(len(all)) < count {
		all = append(all, s.line()...)
	}
	return all[:count]
}

// writtenBy reads what a task says that it has written.
func writtenBy(t *testing.T, sandbox string) written {
	t.Helper()
	var w written
	require.NoError(t, json.Unmarshal([]byte(read(t, filepath.Join(sandbox, writtenFile))), &w))
	return w
}
