package script

import (
	"bufio"
	"io"
	"os"

	"sluice/core/guard"
)

const (
	// maxLines and maxLineBytes bound how much of a command's output reaches the log.
	maxLines     = 10
	maxLineBytes = 512
)

// logLines takes lines, logs the first few that it reads from it, and reads on to the end, so
// that the command is not held up. It closes the channel at the end.
func (r *Runner) logLines(name string, lines *os.File) <-chan struct{} {
	done := make(chan struct{})
	r.guarding().Go("read the output of a script", func() {
		defer close(done)
		defer lines.Close()
		reader := bufio.NewReaderSize(lines, maxLineBytes)
		count := 0
		for count < maxLines {
			untrusted, rest, err := reader.ReadLine()
			if err != nil {
				return
			}
			if len(untrusted) > 0 {
				r.Log.Info("output of a script", "script", name, "line", string(untrusted), "cut", rest)
				count++
			}
		}
		if n, _ := io.Copy(io.Discard, reader); n > 0 {
			r.Log.Info("output of a script cut", "script", name, "bytes", n)
		}
	})
	return done
}

// guarding is the runner's guard, or one of its own.
func (r *Runner) guarding() *guard.Guard {
	if r.Guard == nil {
		return guard.New(r.Log)
	}
	return r.Guard
}
