package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// tailBytes holds the last write of any work.
const tailBytes = 1 << 20

// checkLast makes sure that the last write has come to a file: a logger that drops
// what it is given would be fast.
func checkLast(dir string, writes int64) error {
	wanted := fmt.Appendf(nil, "%012d", writes)
	found := false
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || found {
			return nil // a rotation may be under way
		}
		tail, err := readTail(path)
		found = err == nil && bytes.Contains(tail, wanted)
		return nil
	})
	if err == nil && !found {
		return fmt.Errorf("the last of %d writes is in no file below %s", writes, dir)
	}
	return err
}

func readTail(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	tail := make([]byte, min(tailBytes, info.Size()))
	_, err = f.ReadAt(tail, info.Size()-int64(len(tail)))
	return tail, err
}
