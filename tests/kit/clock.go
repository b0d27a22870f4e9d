package kit

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// WallSet is at, which has a monotonic reading, as it is read after somebody has set the
// wall clock by so many seconds.
func WallSet(t testing.TB, at time.Time, seconds int64) time.Time {
	t.Helper()
	set := at
	// The seconds of a time with a monotonic reading stand above 30 bits of nanoseconds.
	*(*uint64)(unsafe.Pointer(&set)) += uint64(seconds) << 30
	require.Equal(t, at.Unix()+seconds, set.Unix())
	require.Zero(t, set.Sub(at))
	return set
}
