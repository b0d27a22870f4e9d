package settings

import (
	"fmt"
	"math"
)

// MostBytes is the most disk that the files of a stream take together, uncompressed:
// the live file and as many rotated ones as the policy keeps. bounded is false for
// `rotate -1`; then it is the least that such a stream needs, a live and a rotated
// file.
func (s Stream) MostBytes() (mostBytes int64, bounded bool) {
	if s.Discard {
		return 0, true
	}
	limit, files := s.Policy.LimitBytes(s.MaxBytes), int64(s.Policy.Rotate)+1
	if bounded = s.Policy.Rotate >= 0; !bounded {
		files = 2
	}
	if limit > math.MaxInt64/files {
		return math.MaxInt64, bounded
	}
	return limit * files, bounded
}

// MostBytes is the most disk that the files of a container take together; bounded
// is false where one of its streams has no bound.
func (c Container) MostBytes() (mostBytes int64, bounded bool) {
	stdout, first := c.Stdout.MostBytes()
	stderr, second := c.Stderr.MostBytes()
	if stdout > math.MaxInt64-stderr {
		return math.MaxInt64, first && second
	}
	return stdout + stderr, first && second
}

// demandBytes is MostBytes with the least that an unbounded stream needs: under a
// budget `rotate -1` keeps as much as the node has.
func (c Container) demandBytes() int64 {
	most, _ := c.MostBytes()
	return most
}

// MostDisk tells in words how much disk the files of the container can take together,
// uncompressed.
func (c Container) MostDisk() string {
	most, bounded := c.MostBytes()
	if !bounded {
		return "without bound (rotate -1)"
	}
	return fmt.Sprintf("%d bytes", most)
}
