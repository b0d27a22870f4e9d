package settings

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMostDisk(t *testing.T) {
	for _, c := range []struct{ options, want string }{
		{"", "4194304 bytes"}, // rotate 1: two files of 1 MB for each stream
		{"rotate 9", "20971520 bytes"},
		{"rotate 9\nmaxsize 4k", "81920 bytes"},
		{"rotate -1", "without bound (rotate -1)"},
		{"rotate 1000000", "2097154097152 bytes"},
	} {
		m, _, err := ParseModule([]Parameter{
			{"times", "false"},
			{"max_stdout_size", "1MB"},
			{"max_stderr_size", "1MB"},
			{"logrotate_stdout_options", c.options},
			{"logrotate_stderr_options", c.options},
		})
		require.NoError(t, err)
		got := Container{m.Stdout, m.Stderr}.MostDisk()
		assert.Equal(t, c.want, got, c.options)
	}
}

// The time index of each stream takes a sixteenth of what its files do, and 64 KB.
func TestMostDiskOfTimes(t *testing.T) {
	most := func(parameters ...Parameter) int64 {
		m, _, err := ParseModule(append(parameters, Parameter{"max_stdout_size", "1MB"}))
		require.NoError(t, err)
		bytes, _ := m.Stdout.MostBytes()
		return bytes
	}
	assert.EqualValues(t, 2<<20+128<<10+64<<10, most())
	assert.EqualValues(t, 2<<20, most(Parameter{"times", "false"}))
	assert.EqualValues(t, 2<<20, most(Parameter{"times", "false"}, Parameter{"time_resolution", "1secs"}))
	assert.Zero(t, most(Parameter{"stdout", "discard"}))
}
