package settings

import (
	"fmt"
	"math"

	"sluice/core/logformat"
)

// MostBytes is the most disk that the files of a stream take together, uncompressed:
// the live file, as many rotated ones as the policy keeps, and the time index. bounded is
// false for `rotate -1`; then it is the least that such a stream needs, a live and a rotated
// file.
func (s Stream) MostBytes() (mostBytes int64, bounded bool) {
	log, bounded := s.mostLogBytes()
	index := s.MostTimesBytes()
	return min(log, math.MaxInt64-index) + index, bounded
}

// MostTimesBytes is the most that its time index takes, but for `rotate -1`.
func (s Stream) MostTimesBytes() int64 {
	if s.Times == 0 || s.Discard || s.FirstBytes > 0 {
		return 0
	}
	log, _ := s.mostLogBytes()
	return logformat.TimesMostBytes(log)
}

func (s Stream) mostLogBytes() (mostBytes int64, bounded bool) {
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

// demandBytes is what a budget has to have room for: the logs, without what is told of
// them, and of an unbounded stream the least that it needs. Under a budget `rotate -1` keeps
// as much as the node has.
func (c Container) demandBytes() int64 {
	stdout, _ := c.Stdout.mostLogBytes()
	stderr, _ := c.Stderr.mostLogBytes()
	return stdout + min(stderr, math.MaxInt64-stdout)
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
