package settings

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
)

const script = "rotate 2\npostrotate\n  true\nendscript"

func TestBadOptionsNameLineAndColumn(t *testing.T) {
	const reason = `: line 2, column 8: "x": bad value of rotate; ` +
		"expected a whole number of files to keep, 0 for none, -1 for all"
	_, _, err := ParseModule([]Parameter{{"logrotate_stdout_options", "compress\nrotate x"}})
	require.EqualError(t, err, "parameter logrotate_stdout_options"+reason)

	_, _, err = module(t).ForTask(
		[]Variable{{"CONTAINER_LOGGER_LOGROTATE_STDERR_OPTIONS", "compress\nrotate x"}}, "nobody", "/sandbox")
	require.EqualError(t, err, "task variable CONTAINER_LOGGER_LOGROTATE_STDERR_OPTIONS"+reason)
	var cause *logrotate.Error
	require.ErrorAs(t, err, &cause, "the language's own error is in reach")
	assert.Equal(t, 2, cause.Line)
}

func TestUnknownDirectivesAreWarnedOf(t *testing.T) {
	m, notes, err := ParseModule([]Parameter{{"logrotate_stdout_options", "rotat 4"}})
	require.NoError(t, err)
	assert.Equal(t, []Note{{
		Warning,
		`parameter logrotate_stdout_options: line 1: "rotat": unknown directive; the line is ignored; did you mean "rotate"?`,
	}}, notes)

	c, notes, err := m.ForTask([]Variable{{"CONTAINER_LOGGER_LOGROTATE_STDERR_OPTIONS", "Compress"}}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Equal(t, []Note{{
		Warning,
		`task variable CONTAINER_LOGGER_LOGROTATE_STDERR_OPTIONS: line 1: "Compress": unknown directive; ` +
			`the line is ignored; did you mean "compress"?`,
	}}, notes, "the operator's was said when the agent started")
	assert.Contains(t, c.Stdout.ConfText("/sandbox/stdout"),
		"    # parameter logrotate_stdout_options, line 1: \"rotat\": unknown directive; the line is ignored; did you mean \"rotate\"?\n")
}

func TestWhoMayNameScripts(t *testing.T) {
	const (
		operators = `parameter logrotate_stdout_options: line 2, column 1: "postrotate": a script runs commands on the agent, ` +
			"which the module parameter allow_scripts does not permit; expected the text without scripts"
		tasks = `task variable CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS: line 2, column 1: "postrotate": a script runs commands ` +
			"on the agent, which a task may not unless the operator sets allow_task_scripts; expected the text without scripts"
		roots = "; where the task's user is root, that takes allow_root_scripts as well"
	)
	_, _, err := ParseModule([]Parameter{{"logrotate_stdout_options", script}})
	require.EqualError(t, err, operators)
	_, _, err = ParseModule([]Parameter{{"logrotate_stdout_options", script}, {"allow_scripts", "true"}})
	require.NoError(t, err)

	tests := []struct {
		name, user string
		params     []Parameter
		want       string
	}{
		{"not allowed", "nobody", nil, tasks},
		{"the operator's own leave is not the task's", "nobody", []Parameter{{"allow_scripts", "true"}}, tasks},
		{"allowed", "nobody", []Parameter{{"allow_task_scripts", "true"}}, ""},
		{"root", "root", []Parameter{{"allow_task_scripts", "true"}}, tasks + roots},
		{"the agent's user", "", []Parameter{{"allow_task_scripts", "true"}}, tasks + roots},
		{"root, allowed", "root", []Parameter{{"allow_task_scripts", "true"}, {"allow_root_scripts", "true"}}, ""},
		{"root, half allowed", "root", []Parameter{{"allow_root_scripts", "true"}}, tasks},
	}
	byID := []struct {
		user string
		uid  int
		want string
	}{
		{"toor", 0, tasks + roots}, // any name may have the id
		{"nobody", 65534, ""},
		{"root", 1000, ""},        // it is the id that has the rights
		{"", 1000, tasks + roots}, // the agent's own user, whoever that is
	}
	for _, c := range byID {
		_, _, err := module(t, Parameter{"allow_task_scripts", "true"}).ForUser(c.uid).ForTask(
			[]Variable{{"CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", script}}, c.user, "/sandbox")
		if c.want == "" {
			assert.NoError(t, err, "%s is %d", c.user, c.uid)
		} else {
			assert.EqualError(t, err, c.want, "%s is %d", c.user, c.uid)
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := module(t, tt.params...).ForTask(
				[]Variable{{"CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", script}}, tt.user, "/sandbox")
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestPolicyFromARecord(t *testing.T) {
	m := module(t)
	s := m.WithPolicy(Stream{
		MaxBytes:    8192,
		OptionsText: "rotate 3\nolddir /sandbox/old",
		OptionsFrom: Origin{Task: true, Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS"},
	}, "nobody", "/sandbox")
	require.Empty(t, s.Withheld)
	assert.Equal(t, 3, s.Policy.Rotate)
	assert.Equal(t, "old", s.Policy.OldDir)
	assert.Equal(t, int64(8192), s.MaxBytes)
}

// TestWhatDoesNotHoldAnyMoreIsTold: a recorded policy is never refused, and what of it may
// not be done any more is named.
func TestWhatDoesNotHoldAnyMoreIsTold(t *testing.T) {
	task := Origin{Task: true, Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS"}
	operator := Origin{Name: "logrotate_stdout_options"}
	for _, tt := range []struct {
		name, text string
		from       Origin
		params     []Parameter
		withheld   string
		rotate     int
	}{
		{"a task's script", "rotate 3\npostrotate\nx\nendscript", task, nil, "allow_task_scripts", 3},
		{"the operator's", "rotate 3\npostrotate\nx\nendscript", operator, nil, "allow_scripts", 3},
		{"allowed", "rotate 3\npostrotate\nx\nendscript", operator, []Parameter{{"allow_scripts", "true"}}, "", 3},
		{"a ceiling that was lowered", "rotate 3", task, []Parameter{{"task_max_files", "2"}}, "", 2},
		{"a directive of a narrower list", "rotate 3", task, []Parameter{{"task_options", "none"}}, "", 3},
		{"a value that is none", "compress\nrotate many\nmaxage 3", operator, nil, `"many"`, 1},
		{"a script without its end", "rotate 3\npostrotate\nrotate 9", operator, []Parameter{{"allow_scripts", "true"}}, "does not end", 3},
		{"no text", "rotate \xff", operator, nil, "not in UTF-8", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := module(t, tt.params...).WithPolicy(Stream{MaxBytes: 8192, OptionsText: tt.text, OptionsFrom: tt.from}, "nobody", "/sandbox")
			assert.Equal(t, tt.rotate, s.Policy.Rotate)
			if tt.withheld == "" {
				assert.Empty(t, s.Withheld)
				return
			}
			assert.Contains(t, s.Withheld, tt.withheld)
			assert.False(t, s.Policy.Scripts.Any())
		})
	}
}

// TestAgentStartsWhileNobodyKnowsNames: "nobody answers" is not "there is no such user". A
// launch is refused with words that say so.
func TestAgentStartsWhileNobodyKnowsNames(t *testing.T) {
	away := func(string) (bool, error) { return false, errors.New("the name service does not answer") }
	m, notes, err := Machine{KnownUser: away, KnownGroup: away}.ParseModule([]Parameter{
		{"state_dir", "/s"}, {"logrotate_stdout_options", "create 0640 alice"},
	})
	require.NoError(t, err)
	require.NotEmpty(t, notes)
	assert.Contains(t, notes[0].Text, `the user "alice" of the options is not checked: the name service does not answer`)
	_, _, err = m.ForTask(nil, "alice", "/sandbox")
	require.ErrorContains(t, err, "the name service does not answer")
	assert.NotContains(t, err.Error(), "unknown user")
}
