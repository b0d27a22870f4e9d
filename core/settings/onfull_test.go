package settings

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	evictVariable = "CONTAINER_LOGGER_EVICT_ON_FULL"
	waitVariable  = "CONTAINER_LOGGER_FULL_WAIT"
	policyVar     = "CONTAINER_LOGGER_ON_FULL"
)

func TestWhenFullByDefault(t *testing.T) {
	m := module(t)
	want := WhenFull{Evict: true, Wait: 2 * time.Second, Policy: Drop}
	assert.Equal(t, want, m.Stdout.WhenFull)
	assert.Equal(t, want, m.Stderr.WhenFull)
}

func TestWhenFullOfATask(t *testing.T) {
	m := module(t, Parameter{"full_wait", "5secs"})
	c, notes, err := m.ForTask([]Variable{{evictVariable, "false"}, {waitVariable, "0secs"}, {policyVar, "block"}}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Empty(t, notes)
	for _, s := range []Stream{c.Stdout, c.Stderr} {
		assert.Equal(t, WhenFull{
			EvictFrom: Origin{Task: true, Name: evictVariable}, WaitFrom: Origin{Task: true, Name: waitVariable},
			Policy: Block, PolicyFrom: Origin{Task: true, Name: policyVar},
		}, s.WhenFull)
	}
	assert.Contains(t, c.Stderr.ConfText("/sandbox/stderr"), ""+
		"    # task variable CONTAINER_LOGGER_EVICT_ON_FULL: its rotated files stay on a full disk\n"+
		"    # task variable CONTAINER_LOGGER_FULL_WAIT: a failing write is waited for 0secs\n"+
		"    # task variable CONTAINER_LOGGER_ON_FULL: then the container waits\n")
}

func TestTaskCanOnlyLowerTheWait(t *testing.T) {
	const name = "task variable " + waitVariable + `: "3secs"`
	env := []Variable{{waitVariable, "3secs"}}
	_, _, err := module(t).ForTask(env, "nobody", "/sandbox")
	require.EqualError(t, err, name+" is more than the operator allows; expected at most 2secs (parameter full_wait)")

	c, notes, err := module(t, Parameter{"override_policy", "clamp"}).ForTask(env, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Equal(t, []Note{{Warning, name + " was lowered to 2secs (parameter full_wait)"}}, notes)
	assert.Equal(t, 2*time.Second, c.Stdout.WhenFull.Wait)
	assert.Equal(t, 2*time.Second, c.Stderr.WhenFull.Wait)
}

func TestBadWhenFull(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"on_full", "wait", `"wait" is none of them; expected drop or block`},
		{"on_full", "", `"" is none of them; expected drop or block`},
		{"full_wait", "2", `"2" has no unit; expected ` + durationForm},
		{"full_wait", "2hrs", `"2hrs" is out of range; expected 0secs to 1hrs`},
		{"evict_on_full", "yes", `"yes" is neither; expected true or false`},
	} {
		_, _, err := ParseModule([]Parameter{{tt.name, tt.value}})
		require.EqualError(t, err, "parameter "+tt.name+": "+tt.want)
	}
}
