package logformat

import "math"

// TimesName is that of the time index of a live file, beside it.
func TimesName(live string) string { return live + ".times" }

const (
	timesShare      = 16
	timesLeastBytes = 64 << 10
)

// TimesMostBytes is the most that the time index of a series takes whose files take so much.
func TimesMostBytes(seriesBytes int64) int64 {
	return min(seriesBytes, math.MaxInt64-timesLeastBytes*timesShare)/timesShare + timesLeastBytes
}
