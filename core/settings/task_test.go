package settings

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// module is what the operator says in the tests of task variables.
func module(t testing.TB, params ...Parameter) Module {
	t.Helper()
	m, _, err := ParseModule(params)
	require.NoError(t, err)
	return m
}

func TestTaskOverridesTheModule(t *testing.T) {
	m := module(t, Parameter{"max_stdout_size", "1MB"}, Parameter{"logrotate_stderr_options", "rotate 7"})
	c, notes, err := m.ForTask([]Variable{
		{"PATH", "/bin"},
		{"CONTAINER_LOGGER_MAX_STDOUT_SIZE", "2MB"},
		{"CONTAINER_LOGGER_logrotate_Stdout_Options", "rotate 3"},
		{"container_logger_max_stderr_size", "not ours: the prefix is taken as it is"},
		{"CONTAINER_LOGGER_MAX_STDERR_RATE", "1MB"},
	}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Equal(t, []Note{{
		Warning, "task variable container_logger_max_stderr_size: is not read: names begin with CONTAINER_LOGGER_, letter for letter",
	}}, notes)
	assert.Equal(t, int64(2<<20), c.Stdout.MaxBytes)
	assert.Equal(t, "task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE", c.Stdout.MaxBytesFrom.String())
	assert.Equal(t, 3, c.Stdout.Policy.Rotate)
	assert.True(t, c.Stdout.OptionsFrom.Task)
	assert.Equal(t, int64(10<<20), c.Stderr.MaxBytes)
	assert.Equal(t, 7, c.Stderr.Policy.Rotate)
	assert.Equal(t, "parameter logrotate_stderr_options", c.Stderr.OptionsFrom.String())
	assert.Equal(t, int64(1<<20), c.Stderr.MaxRateBytes)
	assert.Equal(t, int64(1<<20), m.Stdout.MaxBytes, "the module stays as it was")
}

func TestEmptyTaskOptionsTakeTheOperatorsAway(t *testing.T) {
	m := module(t, Parameter{"logrotate_stdout_options", "rotate 7"})
	c, _, err := m.ForTask([]Variable{{"CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", ""}}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Equal(t, 1, c.Stdout.Policy.Rotate)
}

func TestOtherPrefix(t *testing.T) {
	m := module(t, Parameter{"environment_variable_prefix", "LOGS_"})
	c, _, err := m.ForTask([]Variable{
		{"CONTAINER_LOGGER_MAX_STDOUT_SIZE", "junk"},
		{"LOGS_MAX_STDOUT_SIZE", "80KB"},
	}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Equal(t, int64(80<<10), c.Stdout.MaxBytes)
}

func TestSameVariableTwice(t *testing.T) {
	m := module(t)
	same := []Variable{{"CONTAINER_LOGGER_MAX_STDOUT_SIZE", "80KB"}, {"CONTAINER_LOGGER_max_stdout_size", "80KB"}}
	c, _, err := m.ForTask(same, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Equal(t, int64(80<<10), c.Stdout.MaxBytes)

	same[1].Value = "90KB"
	_, _, err = m.ForTask(same, "nobody", "/sandbox")
	require.EqualError(t, err,
		"task variable CONTAINER_LOGGER_max_stdout_size: is given twice with different values; expected it once")
}

func TestTaskCanOnlyLowerTheRate(t *testing.T) {
	m := module(t, Parameter{"max_stdout_rate", "1MB"})
	tests := []struct {
		value string
		want  int64
		err   string
	}{
		{"512KB", 512 << 10, ""},
		{"1MB", 1 << 20, ""},
		{"2MB", 0, `task variable CONTAINER_LOGGER_MAX_STDOUT_RATE: "2MB" is more than the operator allows; ` +
			`expected at most 1MB (parameter max_stdout_rate)`},
		{"off", 0, `task variable CONTAINER_LOGGER_MAX_STDOUT_RATE: "off" is more than the operator allows; ` +
			`expected at most 1MB (parameter max_stdout_rate)`},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			c, _, err := m.ForTask([]Variable{{"CONTAINER_LOGGER_MAX_STDOUT_RATE", tt.value}}, "nobody", "/sandbox")
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, c.Stdout.MaxRateBytes)
		})
	}
}

func TestBadTaskVariables(t *testing.T) {
	const size = "; expected a whole number and B, KB, MB, GB or TB, such as 10MB"
	tests := []struct{ name, variable, value, want string }{
		{
			"misspelt", "CONTAINER_LOGGER_MAX_STDOUT", "1MB",
			"task variable CONTAINER_LOGGER_MAX_STDOUT: there is no such variable; the nearest is CONTAINER_LOGGER_MAX_STDOUT_SIZE",
		},
		{
			"the prefix alone", "CONTAINER_LOGGER_", "1MB",
			"task variable CONTAINER_LOGGER_: there is no such variable" + allVariables,
		},
		{
			"the operator's", "CONTAINER_LOGGER_STATE_DIR", "/tmp",
			"task variable CONTAINER_LOGGER_STATE_DIR: only the operator can set state_dir, as a module parameter",
		},
		{
			"the operator's switch", "CONTAINER_LOGGER_ALLOW_TASK_SCRIPTS", "true",
			"task variable CONTAINER_LOGGER_ALLOW_TASK_SCRIPTS: only the operator can set allow_task_scripts, as a module parameter",
		},
		{
			"control characters", "CONTAINER_LOGGER_\nE0101 fake", "1MB",
			`task variable CONTAINER_LOGGER_\nE0101 fake: there is no such variable` + allVariables,
		},
		{
			"no unit", "CONTAINER_LOGGER_MAX_STDOUT_SIZE", "10",
			`task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: "10" has no unit` + size,
		},
		{
			"fraction", "CONTAINER_LOGGER_MAX_STDOUT_SIZE", "1.5MB",
			`task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: "1.5MB" is not a whole number` + size,
		},
		{
			"negative", "CONTAINER_LOGGER_MAX_STDOUT_SIZE", "-1MB",
			`task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: "-1MB" is negative` + size,
		},
		{
			"unknown unit", "CONTAINER_LOGGER_MAX_STDERR_SIZE", "12XB",
			`task variable CONTAINER_LOGGER_MAX_STDERR_SIZE: "12XB" has the unknown unit "XB"` + size,
		},
		{
			"under a page", "CONTAINER_LOGGER_MAX_STDOUT_SIZE", "1KB",
			`task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: "1KB" is too small; expected at least one page, 4096 bytes`,
		},
		{
			"overflow", "CONTAINER_LOGGER_MAX_STDOUT_SIZE", "99999999999999999999GB",
			`task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: "99999999999999999999GB" is too large` + size,
		},
		{
			"empty", "CONTAINER_LOGGER_MAX_STDOUT_SIZE", "",
			`task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: "" is empty` + size,
		},
		{
			"escape sequence", "CONTAINER_LOGGER_MAX_STDOUT_SIZE", "1MB\x1b[2J",
			`task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: "1MB\x1b[2J" has the unknown unit "MB\x1b[2J"` + size,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := module(t).ForTask([]Variable{{tt.variable, tt.value}}, "nobody", "/sandbox")
			require.EqualError(t, err, tt.want)
			assert.True(t, IsInvalid(err))
		})
	}
}

func FuzzForTask(f *testing.F) {
	for _, d := range definitions {
		f.Add("CONTAINER_LOGGER_"+strings.ToUpper(d.name), d.fallback)
	}
	f.Add("CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", "rotate 4\ncompress\npostrotate\necho\nendscript\n")
	f.Add("CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", "rotate -1\nmaxsize 1")
	f.Add("CONTAINER_LOGGER_\x00\xff\u202e", "\xff\n")
	var modules []Module
	for _, policy := range []string{"refuse", "clamp", "ignore"} {
		modules = append(modules, module(f, Parameter{"override_policy", policy}, Parameter{"task_max_size", "1MB"},
			Parameter{"task_max_files", "5"}, Parameter{"task_max_rate", "1MB"}, Parameter{"task_options", "rotate, compress"}))
	}
	modules = append(modules, module(f))
	f.Fuzz(func(t *testing.T, name, value string) {
		for _, m := range modules {
			fuzzForTask(t, m, name, value)
		}
	})
}

// fuzzForTask: whatever a variable says, messages are short and safe to log, and
// what was accepted keeps the ceilings.
func fuzzForTask(t *testing.T, m Module, name, value string) {
	c, notes, err := m.ForTask([]Variable{{name, value}, {name, value + " "}}, "nobody", "/sandbox")
	texts := []string{}
	for _, note := range notes {
		texts = append(texts, note.Text)
	}
	if err != nil {
		require.True(t, IsInvalid(err))
		require.NotEqual(t, Ignore, m.Task.Override)
		texts = append(texts, err.Error())
	} else {
		requireWithin(t, m, c.Stdout)
		requireWithin(t, m, c.Stderr)
	}
	for _, text := range texts {
		require.Equal(t, -1, strings.IndexFunc(text, unicode.IsControl), "%q", text)
		require.Less(t, len(text), 4096, "a message is short whatever the task wrote")
	}
}

func requireWithin(t *testing.T, m Module, s Stream) {
	require.GreaterOrEqual(t, s.Policy.LimitBytes(s.MaxBytes), pageBytes())
	require.GreaterOrEqual(t, s.MaxRateBytes, int64(0))
	require.NotEmpty(t, s.ConfText("/sandbox/stdout"))
	if s.MaxBytesFrom.Task && m.Task.MaxBytes > 0 {
		require.LessOrEqual(t, s.MaxBytes, m.Task.MaxBytes)
	}
	if s.MaxRateFrom.Task && m.Task.MaxRateBytes > 0 {
		require.LessOrEqual(t, s.MaxRateBytes, m.Task.MaxRateBytes)
		require.Positive(t, s.MaxRateBytes)
	}
	if s.OptionsFrom.Task && m.Task.MaxFiles >= 0 {
		require.LessOrEqual(t, s.Policy.Rotate, m.Task.MaxFiles)
		require.GreaterOrEqual(t, s.Policy.Rotate, 0)
	}
	// What was granted at a launch is what recovery comes to.
	again := m.WithPolicy(s, "nobody", "/sandbox")
	require.Empty(t, again.Withheld)
	require.Equal(t, s.Policy, again.Policy)
}
