package settings

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOutputOfAStream(t *testing.T) {
	assert.False(t, module(t).Stdout.Discard)
	m := module(t, Parameter{"stdout", "discard"})
	assert.True(t, m.Stdout.Discard)
	assert.False(t, m.Stderr.Discard)

	_, _, err := ParseModule([]Parameter{{"stderr", "null"}})
	require.EqualError(t, err, `parameter stderr: "null" is neither; expected rotate or discard`)
	_, _, err = ParseModule([]Parameter{{"debug_containers", "last"}})
	require.EqualError(t, err, `parameter debug_containers: "last" is none of them; expected rotate, first or discard`)
}

func TestATaskMayDoWithoutItsOutput(t *testing.T) {
	c, notes, err := module(t).ForTask([]Variable{{"CONTAINER_LOGGER_STDOUT", "discard"}}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Empty(t, notes)
	assert.True(t, c.Stdout.Discard)
	assert.False(t, c.Stderr.Discard)
	assert.Equal(t, "task variable CONTAINER_LOGGER_STDOUT", c.Stdout.DiscardFrom.String())
}

func TestATaskCannotKeepWhatIsDiscarded(t *testing.T) {
	wish := []Variable{{"CONTAINER_LOGGER_STDOUT", "rotate"}, {"CONTAINER_LOGGER_MAX_STDOUT_SIZE", "1MB"}}
	const variable = "task variable CONTAINER_LOGGER_STDOUT: "

	m := module(t, Parameter{"stdout", "discard"})
	_, _, err := m.ForTask(wish, "nobody", "/sandbox")
	require.EqualError(t, err, variable+`"rotate" is more than the operator allows; expected at most discard (parameter stdout)`)

	m.Task.Override = Clamp
	c, notes, err := m.ForTask(wish, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.True(t, c.Stdout.Discard)
	require.Len(t, notes, 1)
	assert.Equal(t, variable+`"rotate" was lowered to discard (parameter stdout)`, notes[0].Text)

	m.Task.Override = Ignore
	c, notes, err = m.ForTask(wish, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.True(t, c.Stdout.Discard)
	require.Len(t, notes, 1)
	assert.Contains(t, notes[0].Text, "the variable is ignored")
}

func TestDebugContainers(t *testing.T) {
	for _, test := range []struct {
		value, stdout string
		discard       bool
		first         int64
		rotate        int
	}{
		{value: "rotate", stdout: "rotate", rotate: 1},
		{value: "first", stdout: "rotate", first: FirstBytes},
		{value: "discard", stdout: "rotate", discard: true},
		{value: "first", stdout: "discard", discard: true},
	} {
		m := module(t, Parameter{"debug_containers", test.value}, Parameter{"stdout", test.stdout})
		c, _, err := m.ForTask([]Variable{{"CONTAINER_LOGGER_MAX_STDOUT_RATE", "1MB"}}, "nobody", "/sandbox")
		require.NoError(t, err)
		c, err = m.ForDebug(c)
		require.NoError(t, err)
		assert.Equal(t, test.discard, c.Stdout.Discard, test)
		if test.discard {
			continue
		}
		assert.Equal(t, test.first, c.Stdout.FirstBytes, test)
		assert.Equal(t, test.rotate, c.Stdout.Policy.Rotate, test)
		if test.first > 0 {
			assert.Zero(t, c.Stdout.MaxRateBytes, "a container of which little is kept is not held back")
		}
		again := m.WithPolicy(c.Stdout, "nobody", "/sandbox")
		require.Empty(t, again.Withheld)
		assert.Equal(t, c.Stdout.Policy, again.Policy, "as recovery reads it")
	}
}

func TestConfTextOfWhatIsNotKept(t *testing.T) {
	assert.Equal(t, `# Written by sluice, for people and the command sluice. The logger never reads it back.
"/sandbox/stdout" {
    # parameter stdout: discard. The container writes into /dev/null; nothing is kept or counted.
}
`, module(t, Parameter{"stdout", "discard"}).Stdout.ConfText("/sandbox/stdout"))

	m := module(t, Parameter{"debug_containers", "first"})
	c, err := m.ForDebug(Container{Stdout: m.Stdout, Stderr: m.Stderr})
	require.NoError(t, err)
	assert.Equal(t, `# Written by sluice, for people and the command sluice. The logger never reads it back.
"/sandbox/stdout" {
    # parameter debug_containers, line 1
    rotate 0
    # parameter debug_containers
    size 65536
    # parameter debug_containers: the first 65536 bytes are kept; what follows is counted and dropped
}
`, c.Stdout.ConfText("/sandbox/stdout"))
}
