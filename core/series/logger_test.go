package series

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/core/sandbox"
	"sluice/core/series/logtest"
)

func numbered(from, to int) string { return logtest.Numbered(from, to) }

// seriesOf opens what a logger writes.
func seriesOf(l *logtest.Logger, options string) *Series { return openSeries(l.TB(), l.Dir, options) }

func openSeries(t testing.TB, dir, options string) *Series {
	t.Helper()
	policy, err := ReadPolicy(options)
	require.NoError(t, err)
	box, err := sandbox.Open(dir)
	require.NoError(t, err)
	s := New(box, "stdout", policy)
	t.Cleanup(func() {
		_ = s.Close()
		_ = box.Close()
	})
	return s
}

// read opens a Reader whose notices are collected.
func read(t testing.TB, s *Series) (*Reader, *[]string) {
	t.Helper()
	r, err := s.Read()
	require.NoError(t, err)
	notices := &[]string{}
	r.Notice = func(message string) { *notices = append(*notices, message) }
	t.Cleanup(r.Close)
	return r, notices
}
