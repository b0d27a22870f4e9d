package settings

import (
	"fmt"
	"math"
	"time"
)

// FormatSize writes a size in the form that parseSize reads, with the largest unit
// that keeps it whole.
func FormatSize(bytes int64) string {
	unit := "B"
	for _, next := range []string{"KB", "MB", "GB", "TB"} {
		if bytes == 0 || bytes%1024 != 0 {
			break
		}
		bytes, unit = bytes/1024, next
	}
	return fmt.Sprintf("%d%s", bytes, unit)
}

// ShortSize writes a size for people to compare: at most four digits and a unit.
func ShortSize(bytes int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB", "PB", "EB"}
	value, unit := float64(bytes), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 || value == math.Trunc(value) {
		return fmt.Sprintf("%.0f%s", value, units[unit])
	}
	return fmt.Sprintf("%.1f%s", value, units[unit])
}

// FormatDuration writes a duration in the form that parameters have, with the
// largest unit that keeps it whole.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0secs"
	}
	for _, unit := range []string{"weeks", "days", "hrs", "mins", "secs", "ms", "us"} {
		if factor := durationUnits[unit]; d%factor == 0 {
			return fmt.Sprintf("%d%s", d/factor, unit)
		}
	}
	return fmt.Sprintf("%dns", d)
}
