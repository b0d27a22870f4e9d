package series

import (
	"io"

	"sluice/core/rotation/compress"
)

// Errors of compressed files; match with errors.Is.
var (
	ErrDamaged = compress.ErrDamaged
	ErrMethod  = compress.ErrMethod
)

// Expand is compress.Expand.
func Expand(from io.Reader) (io.ReadCloser, error) { return compress.Expand(from) }

// ExpandWithin is compress.ExpandWithin.
func ExpandWithin(from io.Reader, windowBytes uint64) (io.ReadCloser, error) {
	return compress.ExpandWithin(from, windowBytes)
}
