// Command report reads what `go test -json` prints and shows what go test prints without
// that. At the end it says which tests took longest, and what was skipped for want of what.
// Its status is 1 where a test or a package failed.
//
//	go test -json ./... | go run ./tests/report
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// maxLineBytes is the longest line that is read whole.
const maxLineBytes = 16 << 20

func main() {
	failed, err := report(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// report copies what matters from events to out; what is no event is copied as it is.
func report(events io.Reader, out io.Writer) (failed bool, err error) {
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, maxLineBytes)
	r := newRun(out)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			fmt.Fprintln(out, lines.Text())
			continue
		}
		r.take(e)
	}
	r.summary()
	return r.failed, lines.Err()
}
