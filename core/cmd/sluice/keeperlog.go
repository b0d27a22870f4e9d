package main

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// keeperLogName is the log of a detached keeper, in its state directory; the one before has
// .1 behind it. Each has at most keeperLogBytes: the directory is in memory as a rule.
const (
	keeperLogName  = "keeper.log"
	keeperLogBytes = 512 << 10
)

// keeperLog is that log. It may be written to concurrently. What it cannot write is left
// out: the keeper goes on.
type keeperLog struct {
	path string

	mu   sync.Mutex
	file *os.File
	size int64
}

func openKeeperLog(path string) (*keeperLog, error) {
	l := &keeperLog{path: path}
	return l, l.open()
}

func (l *keeperLog) open() error {
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("open the keeper's log: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("open the keeper's log: %w", err)
	}
	l.file, l.size = file, info.Size()
	return nil
}

// Write appends, to a new file where the present one is full.
func (l *keeperLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size+int64(len(line)) > keeperLogBytes {
		before := l.file
		if os.Rename(l.path, l.path+".1") != nil || l.open() != nil {
			return len(line), nil
		}
		_ = before.Close()
	}
	n, _ := l.file.Write(line)
	l.size += int64(n)
	return len(line), nil
}

// Close closes the file.
func (l *keeperLog) Close() error { return l.file.Close() }
