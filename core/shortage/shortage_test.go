package shortage

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestIs(t *testing.T) {
	for _, err := range []error{
		unix.EMFILE, fmt.Errorf("open: %w", unix.ENFILE), &fs.PathError{Op: "open", Path: "x", Err: unix.ENOMEM},
		errors.Join(unix.ENOENT, unix.EAGAIN),
	} {
		assert.True(t, Is(err), "%v", err)
	}
	for _, err := range []error{nil, errors.New("text"), unix.EIO, unix.ENOSPC, unix.EDQUOT, fs.ErrNotExist} {
		assert.False(t, Is(err), "%v", err)
	}
}

func TestRetryWaitsForTheEndOfAShortage(t *testing.T) {
	calls := 0
	err := Retry(time.Hour, func() error {
		if calls++; calls < 3 {
			return unix.EMFILE
		}
		return unix.EIO
	})
	require.ErrorIs(t, err, unix.EIO)
	assert.Equal(t, 3, calls)
	require.ErrorIs(t, Retry(0, func() error { return unix.EMFILE }), unix.EMFILE)
}
