package kit

import "strconv"

// Lines are so many numbered lines from 0 on, each of width bytes with its newline.
func Lines(count, width int) []byte { return LinesFrom(0, count, width) }

// LinesFrom are so many from a number on. What does not fit a width makes its line longer.
func LinesFrom(first, count, width int) []byte {
	text := make([]byte, 0, count*width)
	for n := first; n < first+count; n++ {
		digits := strconv.Itoa(n)
		for range width - 1 - len(digits) {
			text = append(text, '0')
		}
		text = append(append(text, digits...), '\n')
	}
	return text
}
