package settings

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfTextOfDefaults(t *testing.T) {
	assert.Equal(t, `# Written by sluice, for people and the command sluice. The logger never reads it back.
"/sandbox/stdout" {
    # default
    rotate 1
    # default
    size 10485760
    # parameter times: when it was written, to 100ms, is in stdout.times
}
`, module(t).Stdout.ConfText("/sandbox/stdout"))
}

func TestConfTextSaysWhereLinesCameFrom(t *testing.T) {
	m := module(t,
		Parameter{"max_stdout_size", "2MB"},
		Parameter{"max_stdout_rate", "1MB"},
		Parameter{"time_resolution", "1secs"},
	)
	c, _, err := m.ForTask([]Variable{{"CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", "\n  rotate 4\r\n\n"}}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Equal(t, `# Written by sluice, for people and the command sluice. The logger never reads it back.
"/sandbox/a\"b\n/stdout" {
    # task variable CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS, line 2
    rotate 4
    # parameter max_stdout_size
    size 2097152
    # parameter max_stdout_rate: at most 1048576 bytes per second
    # parameter times: when it was written, to 1s, is in stdout.times
}
`, c.Stdout.ConfText("/sandbox/a\"b\n/stdout"))
}
