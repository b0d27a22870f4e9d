package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sluice/tests/kit"
)

// checks compares the sandboxes of containers that have ended, and removes them.
type checks struct {
	boxes, state string
	stop         chan struct{}
	done         sync.WaitGroup
	containers   int
	bytes        int64
	err          error
}

func startChecks(boxes, state string) *checks {
	c := &checks{boxes: boxes, state: state, stop: make(chan struct{})}
	c.done.Go(func() {
		for {
			c.look()
			select {
			case <-c.stop:
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
	})
	return c
}

// look compares what is ready: the container has written everything, and the state
// directory has nothing of it any more.
func (c *checks) look() {
	entries, _ := os.ReadDir(c.boxes)
	for _, entry := range entries {
		box := filepath.Join(c.boxes, entry.Name())
		if _, err := os.Stat(filepath.Join(box, doneFile)); err != nil || kit.IsOwned(c.state, entry.Name()) {
			continue
		}
		if !settled(box) {
			continue
		}
		c.compare(box)
	}
}

// finish compares what is left once the last owner has ended; nothing may be under way
// then.
func (c *checks) finish() error {
	close(c.stop)
	c.done.Wait()
	c.look()
	left, err := os.ReadDir(c.boxes)
	if err != nil {
		return err
	}
	incomplete := 0
	for _, entry := range left {
		// The owner was killed between the launch and the fork.
		if _, err := os.Stat(filepath.Join(c.boxes, entry.Name(), begunFile)); err != nil {
			continue
		}
		if incomplete++; incomplete == 1 {
			c.err = errors.Join(c.err, fmt.Errorf("the sandbox of %s is not complete", entry.Name()))
		}
	}
	if incomplete > 1 {
		c.err = errors.Join(c.err, fmt.Errorf("nor are %d others", incomplete-1))
	}
	return c.err
}

func (c *checks) compare(box string) {
	n, err := compareBox(box)
	c.err = errors.Join(c.err, err)
	c.containers++
	c.bytes += n
	c.err = errors.Join(c.err, os.RemoveAll(box))
}

// compareFigures compares what owners have counted with what containers have written:
// nothing is dropped, no error is met, and the faults of the build have happened.
func (c *checks) compareFigures(all samples) error {
	if all.faults() == 0 {
		return errors.New("no fault was met: build with the tag sluice_faults")
	}
	for _, s := range all {
		if s.InBytes != s.WrittenBytes+s.DroppedBytes || s.DroppedBytes != 0 || s.Errors != 0 {
			return fmt.Errorf("after %s: %d bytes in, %d written, %d dropped, %d errors", s.at, s.InBytes, s.WrittenBytes, s.DroppedBytes, s.Errors)
		}
	}
	return nil
}

// settled says whether no compression is under way in a sandbox.
func settled(box string) bool {
	entries, err := os.ReadDir(box)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		switch name := entry.Name(); filepath.Ext(name) {
		case "", ".gz", ".conf", ".times":
		default:
			if name != "stderr.1" { // delaycompress leaves it
				return false
			}
		}
	}
	return true
}

// compareBox compares both series of a sandbox with what its container wrote.
func compareBox(box string) (total int64, err error) {
	for _, stream := range []string{"stdout", "stderr"} {
		files, err := kit.Series(box, stream)
		if err != nil {
			return total, err
		}
		got, want := kit.Join(files), text(filepath.Base(box), stream)
		if !bytes.Equal(got, want) {
			return total, fmt.Errorf("%s of %s has %d bytes, and is not the %d that were written", stream, filepath.Base(box), len(got), len(want))
		}
		total += int64(len(want))
	}
	return total, nil
}
