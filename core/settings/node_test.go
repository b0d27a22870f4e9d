package settings

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNodeBudget(t *testing.T) {
	m := module(t)
	assert.Zero(t, m.NodeMaxBytes)
	assert.False(t, m.NodeMinFree.On())

	for text, want := range map[string]int64{"1GB": 1 << 30, "off": 0} {
		assert.Equal(t, want, module(t, Parameter{"node_max_bytes", text}).NodeMaxBytes)
	}
	for text, want := range map[string]int64{"off": 0, "10MB": 10 << 20, "5%": 50000, "90%": 900000, "1%": 10000} {
		free := module(t, Parameter{"node_min_free", text}).NodeMinFree
		assert.Equal(t, want, free.Of(1000000), text)
		assert.Equal(t, want > 0, free.On(), text)
	}
}

func TestBadNodeBudget(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"node_max_bytes", "10", `parameter node_max_bytes: "10" has no unit; expected ` + budgetForm},
		{"node_max_bytes", "", `parameter node_max_bytes: "" is empty; expected ` + budgetForm},
		{"node_max_bytes", "1KB", `parameter node_max_bytes: "1KB" is too small; expected at least one page, 4096 bytes`},
		{"node_min_free", "5.5%", `parameter node_min_free: "5.5%" is not a whole percentage; expected ` + freeForm},
		{"node_min_free", "%", `parameter node_min_free: "%" is not a whole percentage; expected ` + freeForm},
		{"node_min_free", "-5%", `parameter node_min_free: "-5%" is not a whole percentage; expected ` + freeForm},
		{"node_min_free", "0%", `parameter node_min_free: "0%" is out of range; expected 1% to 90%`},
		{"node_min_free", "100%", `parameter node_min_free: "100%" is out of range; expected 1% to 90%`},
		{"node_min_free", "5", `parameter node_min_free: "5" has no unit; expected ` + freeForm},
		{"node_min_free", "0B", `parameter node_min_free: "0B" is too small; expected at least 1B`},
	} {
		_, _, err := ParseModule([]Parameter{{test.name, test.value}})
		assert.EqualError(t, err, test.want)
	}
}

func TestSettingsThatCannotHoldTogether(t *testing.T) {
	for _, test := range []struct {
		params []Parameter
		want   string
	}{
		{
			[]Parameter{{"node_max_bytes", "30MB"}},
			"parameter node_max_bytes: 30MB is less than one container may keep, 41943040 bytes by the limits and `rotate` " +
				"of its streams; expected at least that, or smaller limits",
		},
		{
			[]Parameter{{"node_max_bytes", "1GB"}, {"max_stdout_size", "2GB"}, {"logrotate_stdout_options", "rotate 0"}},
			"parameter node_max_bytes: 1GB is less than one container may keep, 2168455168 bytes by the limits and `rotate` " +
				"of its streams; expected at least that, or smaller limits",
		},
		{
			[]Parameter{{"node_max_bytes", "1GB"}, {"task_max_size", "2GB"}},
			"parameter task_max_size: 2GB is more than node_max_bytes, 1GB: the live files of a task alone could pass it; expected at most that",
		},
		{
			[]Parameter{{"node_min_free", "5%"}, {"on_full", "block"}},
			"parameter on_full: block lets containers wait for a full disk, and node_min_free deletes rotated files so that none has to; " +
				"expected on_full=drop, or node_min_free=off",
		},
		{
			[]Parameter{{"node_min_free", "1GB"}, {"evict_on_full", "false"}},
			"parameter evict_on_full: false keeps the rotated files when the disk is full, and node_min_free deletes them before it is; " +
				"expected evict_on_full=true, or node_min_free=off",
		},
	} {
		_, _, err := ParseModule(test.params)
		assert.EqualError(t, err, test.want)
	}
	for _, fine := range [][]Parameter{
		{{"node_max_bytes", "40MB"}},
		{{"node_max_bytes", "40MB"}, {"logrotate_stdout_options", "rotate -1"}},
		{{"node_max_bytes", "20MB"}, {"stderr", "discard"}},
		{{"node_max_bytes", "1GB"}, {"on_full", "block"}},
		{{"on_full", "block"}, {"evict_on_full", "false"}},
	} {
		_, _, err := ParseModule(fine)
		assert.NoError(t, err, fine)
	}
}

func TestATaskAgainstTheBudgetOfTheNode(t *testing.T) {
	m := module(t, Parameter{"node_max_bytes", "100MB"})
	size := Variable{"CONTAINER_LOGGER_MAX_STDOUT_SIZE", "60MB"}
	options := Variable{"CONTAINER_LOGGER_LOGROTATE_STDERR_OPTIONS", "rotate 9"}

	_, _, err := m.ForTask([]Variable{size}, "nobody", "/sandbox")
	require.EqualError(t, err, "task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: the container could keep 146800640 bytes, more than "+
		"all containers of the node together; expected at most 100MB (parameter node_max_bytes)")
	_, _, err = m.ForTask([]Variable{options}, "nobody", "/sandbox")
	require.ErrorContains(t, err, "task variable CONTAINER_LOGGER_LOGROTATE_STDERR_OPTIONS: the container could keep 125829120 bytes")
	_, _, err = m.ForTask([]Variable{{options.Name, "rotate -1"}}, "nobody", "/sandbox")
	require.ErrorContains(t, err, "parameter task_max_files")
	_, _, err = module(t, Parameter{"node_max_bytes", "100MB"}, Parameter{"task_max_files", "none"}).
		ForTask([]Variable{{options.Name, "rotate -1"}}, "nobody", "/sandbox")
	require.NoError(t, err)

	for _, policy := range []Override{Clamp, Ignore} {
		m.Task.Override = policy
		c, notes, err := m.ForTask([]Variable{size, options}, "nobody", "/sandbox")
		require.NoError(t, err)
		assert.Len(t, notes, 2)
		assert.Equal(t, int64(10<<20), c.Stdout.MaxBytes)
		assert.Equal(t, 1, c.Stderr.Policy.Rotate)
	}
}
