package settings

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAllMistakesOfATaskAreTold in one message: a task that fails its launch once for
// each is started as often.
func TestAllMistakesOfATaskAreTold(t *testing.T) {
	_, notes, err := module(t).ForTask([]Variable{
		{"container_logger_stdout", "discard"},
		{"CONTAINER_LOGGER_STDOUT", "none"},
		{"CONTAINER_LOGGER_FULL_WAIT", "10secs"},
		{"CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", "rotate 5;compress\nmaxage x"},
		{"CONTAINER_LOGGER_LOGROTATE_STDERR_OPTIONS", "rotate five"},
	}, "nobody", "/sandbox")
	require.Len(t, All(err), 4)
	require.Len(t, notes, 1, "the small prefix is told too")
	require.True(t, IsInvalid(err))
	for _, part := range []string{
		`task variable CONTAINER_LOGGER_STDOUT: "none" is neither`,
		`; also task variable CONTAINER_LOGGER_FULL_WAIT: "10secs" is more than the operator allows; expected at most 2secs`,
		`; also task variable CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS: line 1, column 8: "5;compress": bad value of rotate: directives are parted by new lines`,
		`; also line 2, column 8: "x": bad value of maxage`,
		`; also task variable CONTAINER_LOGGER_LOGROTATE_STDERR_OPTIONS: line 1, column 8: "five": bad value of rotate`,
	} {
		assert.ErrorContains(t, err, part)
	}

	var env []Variable
	for i := range 1000 {
		env = append(env, Variable{fmt.Sprintf("CONTAINER_LOGGER_JUNK%d", i), "x"})
	}
	_, _, err = module(t).ForTask(env, "nobody", "/sandbox")
	assert.Less(t, len(err.Error()), 4096)
	assert.Len(t, All(err), maxErrors)
}

func TestAllMistakesOfTheOperatorAreTold(t *testing.T) {
	_, _, err := ParseModule([]Parameter{
		{"max_stdout_size", "10"},
		{"max_sdterr_size", "10MB"},
		{"logrotate_stdout_options", "rotate x"},
		{"state_dir", "/a"},
		{"state_dir", "/b"},
	})
	var told []string
	for _, one := range All(err) {
		told = append(told, one.From.Name)
	}
	assert.Equal(t, []string{"max_stdout_size", `"max_sdterr_size"`, "state_dir", "logrotate_stdout_options"}, told)
}

// TestVariablesOfDCOS: tasks that come from there start where the operator says so, and
// are told what takes the variable's place.
func TestVariablesOfDCOS(t *testing.T) {
	env := []Variable{
		{"CONTAINER_LOGGER_LOGROTATE_MAX_STDOUT_SIZE", "100MB"},
		{"CONTAINER_LOGGER_DESTINATION_TYPE", "journald+logrotate"},
		{"CONTAINER_LOGGER_EXTRA_LABELS", "{}"},
		{"CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", "rotate 9"},
	}
	const is = " is a setting of the container logger of DC/OS; "
	want := []string{
		"task variable CONTAINER_LOGGER_LOGROTATE_MAX_STDOUT_SIZE:" + is + "CONTAINER_LOGGER_MAX_STDOUT_SIZE takes its place",
		"task variable CONTAINER_LOGGER_DESTINATION_TYPE:" + is + "nothing takes its place: output goes into files of the sandbox, and a shipper sends them on",
		"task variable CONTAINER_LOGGER_EXTRA_LABELS:" + is + "nothing takes its place: there is no journal whose entries could bear labels",
	}
	_, _, err := module(t).ForTask(env, "nobody", "/sandbox")
	require.EqualError(t, err, strings.Join(want, "; also "))
	for _, policy := range []string{"clamp", "ignore"} {
		c, notes, err := module(t, Parameter{"override_policy", policy}).ForTask(env, "nobody", "/sandbox")
		require.NoError(t, err, policy)
		assert.Equal(t, 9, c.Stdout.Policy.Rotate)
		require.Len(t, notes, 3)
		for i, note := range notes {
			assert.Equal(t, want[i]+"; the variable is ignored", note.Text)
		}
	}
	_, _, err = module(t, Parameter{"override_policy", "clamp"}).ForTask([]Variable{{"CONTAINER_LOGGER_JUNK", "x"}}, "nobody", "/sandbox")
	require.Error(t, err, "what nobody knows makes no sense")
}

// TestAHundredUnknownDirectivesAreOneLine of the agent's log at each launch.
func TestAHundredUnknownDirectivesAreOneLine(t *testing.T) {
	c, notes, err := module(t).ForTask([]Variable{{optionsVariable, strings.Repeat("frobnicate\n", 100)}}, "nobody", "/sandbox")
	require.NoError(t, err)
	require.Equal(t, []Note{{
		Warning, "task variable " + optionsVariable + `: line 1: "frobnicate": unknown directive; the line is ignored; ` +
			"and 49 more, which the *.logrotate.conf in the sandbox has",
	}}, notes)
	assert.Len(t, c.Stdout.Warnings, 50)
}

// TestClampLeavesScriptsOut, whoever the task's user is.
func TestClampLeavesScriptsOut(t *testing.T) {
	for user, more := range map[string]string{"nobody": "", "root": rootsToo} {
		params := []Parameter{{"override_policy", "clamp"}}
		if user == "root" {
			params = append(params, Parameter{"allow_task_scripts", "true"})
		}
		c, notes, err := module(t, params...).ForTask(
			[]Variable{{optionsVariable, "rotate 5\npostrotate\n/bin/true\nendscript\ncompress"}}, user, "/sandbox")
		require.NoError(t, err)
		assert.False(t, c.Stdout.Policy.Scripts.Any())
		assert.True(t, c.Stdout.Policy.Compress)
		assert.Equal(t, []Note{{Warning, "task variable " + optionsVariable + `: line 2: "postrotate": left out: ` +
			"it runs commands on the agent, which a task may not unless the operator sets allow_task_scripts" + more}}, notes)
	}
}

// TestOperatorsOwnersAreWarnedOfOnce: when the agent starts, and at no launch, which all
// go on with the task's own user.
func TestOperatorsOwnersAreWarnedOfOnce(t *testing.T) {
	for _, text := range []string{"su root root", "create 0640 root adm", "olddir old\ncreateolddir 0700 root root"} {
		m, notes, err := ParseModule([]Parameter{{"logrotate_stdout_options", text}})
		require.NoError(t, err)
		require.Len(t, notes, 1, text)
		c, notes, err := m.ForTask(nil, "nobody", "/sandbox")
		require.NoError(t, err, text)
		assert.Empty(t, notes)
		assert.NotContains(t, []string{c.Stdout.Policy.Create.Owner, c.Stdout.Policy.CreateOldDir.Owner}, "root")
		assert.Contains(t, c.Stdout.ConfText("/sandbox/stdout"), "the task's user")
	}
}
