package settings

import "fmt"

// MostDisk tells in words how much disk the files of the streams can take together,
// uncompressed: each live file and as many rotated ones as its policy keeps.
func MostDisk(streams ...Stream) string {
	var total int64
	for _, s := range streams {
		if s.Policy.Rotate < 0 {
			return "without bound (rotate -1)"
		}
		total += s.Policy.LimitBytes(s.MaxBytes) * int64(s.Policy.Rotate+1)
	}
	return fmt.Sprintf("%d bytes", total)
}
