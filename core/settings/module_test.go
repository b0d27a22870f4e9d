package settings

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefaults(t *testing.T) {
	m, notes, err := ParseModule(nil)
	require.NoError(t, err)
	assert.Empty(t, notes)
	assert.Equal(t, "/var/run/mesos/sluice", m.StateDir)
	assert.Equal(t, int64(1<<20), m.PipeCapacityBytes)
	assert.Equal(t, 100*time.Millisecond, m.MaxDelay)
	assert.Equal(t, "CONTAINER_LOGGER_", m.VariablePrefix)
	assert.Equal(t, time.Minute, m.ScriptTimeout)
	assert.False(t, m.AllowScripts || m.AllowTaskScripts || m.AllowRootScripts || m.LogStreams)
	assert.True(t, m.CountLines)
	for _, s := range []Stream{m.Stdout, m.Stderr} {
		assert.Equal(t, int64(10<<20), s.MaxBytes)
		assert.Equal(t, "default", s.MaxBytesFrom.String())
		assert.Zero(t, s.MaxRateBytes)
		assert.Empty(t, s.OptionsText)
		assert.Equal(t, 1, s.Policy.Rotate, "an absent rotate keeps one file")
	}
}

func TestParametersReachTheirFields(t *testing.T) {
	m, notes, err := ParseModule([]Parameter{
		{"max_stdout_size", "2mb"},
		{"max_stderr_size", "1GB"},
		{"logrotate_stdout_options", "rotate 4"},
		{"logrotate_stderr_options", "rotate 0"},
		{"environment_variable_prefix", "LOGS_"},
		{"state_dir", "/run/sluice/"},
		{"pipe_capacity", "64KB"},
		{"max_delay", "1.5secs"},
		{"max_stdout_rate", "1MB"},
		{"max_stderr_rate", "off"},
		{"allow_scripts", "true"},
		{"allow_task_scripts", "1"},
		{"allow_root_scripts", "true"},
		{"script_timeout", "5secs"},
		{"log_streams", "true"},
		{"count_lines", "false"},
	})
	require.NoError(t, err)
	assert.Empty(t, notes)
	assert.Equal(t, int64(2<<20), m.Stdout.MaxBytes)
	assert.Equal(t, "parameter max_stdout_size", m.Stdout.MaxBytesFrom.String())
	assert.Equal(t, int64(1<<30), m.Stderr.MaxBytes)
	assert.Equal(t, 4, m.Stdout.Policy.Rotate)
	assert.Equal(t, "parameter logrotate_stdout_options", m.Stdout.OptionsFrom.String())
	assert.Equal(t, 0, m.Stderr.Policy.Rotate, "a written rotate 0 is honoured")
	assert.Equal(t, "LOGS_", m.VariablePrefix)
	assert.Equal(t, "/run/sluice", m.StateDir)
	assert.Equal(t, int64(64<<10), m.PipeCapacityBytes)
	assert.Equal(t, 1500*time.Millisecond, m.MaxDelay)
	assert.Equal(t, int64(1<<20), m.Stdout.MaxRateBytes)
	assert.Zero(t, m.Stderr.MaxRateBytes)
	assert.True(t, m.AllowScripts && m.AllowTaskScripts && m.AllowRootScripts && m.LogStreams)
	assert.False(t, m.CountLines)
	assert.Equal(t, 5*time.Second, m.ScriptTimeout)
}

func TestUnusedParametersAreSaidInTheLog(t *testing.T) {
	_, notes, err := ParseModule([]Parameter{
		{"launcher_dir", "/usr/libexec/mesos"},
		{"logrotate_path", "logrotate"},
		{"libprocess_num_worker_threads", "8"},
	})
	require.NoError(t, err)
	assert.Equal(t, []Note{
		{Info, "parameter launcher_dir is accepted and not used"},
		{Info, "parameter logrotate_path is accepted and not used"},
		{Info, "parameter libprocess_num_worker_threads is accepted and not used"},
	}, notes)
}

func TestSwitchWithoutEffectIsSaid(t *testing.T) {
	_, notes, err := ParseModule([]Parameter{{"allow_root_scripts", "true"}})
	require.NoError(t, err)
	assert.Equal(t, []Note{
		{Warning, "parameter allow_root_scripts has no effect without allow_task_scripts=true"},
	}, notes)
}

func TestBadParameters(t *testing.T) {
	const size = "; expected a whole number and B, KB, MB, GB or TB, such as 10MB"
	const duration = "; expected a number and ns, us, ms, secs, mins, hrs, days or weeks, such as 5secs"
	tests := []struct{ name, key, value, want string }{
		{
			"misspelt", "max_stdot_size", "10MB",
			`parameter "max_stdot_size": there is no such parameter; the nearest is max_stdout_size`,
		},
		{
			"wrong case", "Max_Stdout_Size", "10MB",
			`parameter "Max_Stdout_Size": there is no such parameter; the nearest is max_stdout_size`,
		},
		{
			"far from every name", "retention_time", "10MB",
			`parameter "retention_time": there is no such parameter; docs/parameters.md lists them`,
		},
		{
			"of another logger", "logrotate_max_stdout_size", "10MB",
			`parameter "logrotate_max_stdout_size": is a setting of the container logger of DC/OS; max_stdout_size takes its place`,
		},
		{
			"of another logger, for nothing here", "companion_dir", "/opt/mesosphere/bin",
			`parameter "companion_dir": is a setting of the container logger of DC/OS; nothing takes its place: there is no helper program`,
		},
		{
			"empty name", "", "10MB",
			`parameter "": there is no such parameter; docs/parameters.md lists them`,
		},
		{
			"control characters", "state_dir\n\x1b[31m", "/x",
			`parameter "state_dir\n\x1b[31m": there is no such parameter; the nearest is state_dir`,
		},
		{"no unit", "max_stdout_size", "10", `parameter max_stdout_size: "10" has no unit` + size},
		{"fraction", "max_stdout_size", "1.5MB", `parameter max_stdout_size: "1.5MB" is not a whole number` + size},
		{"negative", "max_stderr_size", "-1MB", `parameter max_stderr_size: "-1MB" is negative` + size},
		{"unknown unit", "max_stdout_size", "12XB", `parameter max_stdout_size: "12XB" has the unknown unit "XB"` + size},
		{"blank", "max_stdout_size", "10 MB", `parameter max_stdout_size: "10 MB" has the unknown unit " MB"` + size},
		{"word", "max_stdout_size", "big", `parameter max_stdout_size: "big" does not begin with a number` + size},
		{
			"under a page", "max_stdout_size", "4095B",
			`parameter max_stdout_size: "4095B" is too small; expected at least one page, 4096 bytes`,
		},
		{
			"zero", "max_stdout_size", "0B",
			`parameter max_stdout_size: "0B" is too small; expected at least one page, 4096 bytes`,
		},
		{
			"overflow of the number", "max_stdout_size", "99999999999999999999B",
			`parameter max_stdout_size: "99999999999999999999B" is too large` + size,
		},
		{
			"overflow of the product", "max_stdout_size", "8388608TB",
			`parameter max_stdout_size: "8388608TB" is too large` + size,
		},
		{
			"out of reach", "max_stdout_size", "8388607TB",
			`parameter max_stdout_size: "8388607TB" is too large; expected at most 1048576TB`,
		},
		{"empty", "max_stdout_size", "", `parameter max_stdout_size: "" is empty` + size},
		{
			"long value", "max_stdout_size", strings.Repeat("9", 70000),
			`parameter max_stdout_size: "` + strings.Repeat("9", 64) + `"... (70000 bytes) has no unit` + size,
		},
		{
			"empty prefix", "environment_variable_prefix", "",
			`parameter environment_variable_prefix: "" is empty; expected the beginning of variable names, such as CONTAINER_LOGGER_`,
		},
		{"relative", "state_dir", "run", `parameter state_dir: "run" is relative; expected an absolute path`},
		{"empty path", "state_dir", "", `parameter state_dir: "" is empty; expected an absolute path`},
		{"NUL", "state_dir", "/a\x00b", `parameter state_dir: "/a\x00b" has a NUL in it; expected an absolute path`},
		{"pipe too large", "pipe_capacity", "2GB", `parameter pipe_capacity: "2GB" is too large; expected at most 1GB`},
		{"duration without unit", "max_delay", "100", `parameter max_delay: "100" has no unit` + duration},
		{"duration in another form", "max_delay", "100s", `parameter max_delay: "100s" has the unknown unit "s"` + duration},
		{"duration empty", "max_delay", "", `parameter max_delay: "" is empty` + duration},
		{"duration negative", "max_delay", "-1ms", `parameter max_delay: "-1ms" is negative` + duration},
		{"two points", "max_delay", "1..5ms", `parameter max_delay: "1..5ms" does not begin with a number` + duration},
		{"too long", "script_timeout", "99999999999weeks", `parameter script_timeout: "99999999999weeks" is too long` + duration},
		{"out of range", "max_delay", "61secs", `parameter max_delay: "61secs" is out of range; expected 0secs to 1mins`},
		{"switch", "allow_scripts", "yes", `parameter allow_scripts: "yes" is neither; expected true or false`},
		{"switch empty", "log_streams", "", `parameter log_streams: "" is empty; expected true or false`},
		{
			"rate", "max_stdout_rate", "1MB/s",
			`parameter max_stdout_rate: "1MB/s" has the unknown unit "MB/s"; expected off, or bytes per second as a whole number and B, KB, MB, GB or TB, such as 10MB`,
		},
		{
			"rate too small", "max_stderr_rate", "1B",
			`parameter max_stderr_rate: "1B" is too small; expected at least one page, 4096 bytes`,
		},
		{
			"options too long", "logrotate_stdout_options", strings.Repeat("#", 64<<10+1),
			`parameter logrotate_stdout_options: "` + strings.Repeat("#", 64) + `"... (65537 bytes) is too long; expected at most 64KB`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := ParseModule([]Parameter{{tt.key, tt.value}})
			require.EqualError(t, err, tt.want)
			assert.True(t, IsInvalid(err))
		})
	}
}

func TestDuplicateParameter(t *testing.T) {
	_, _, err := ParseModule([]Parameter{{"state_dir", "/a"}, {"state_dir", "/a"}})
	require.EqualError(t, err, "parameter state_dir: is given twice; expected it once")
}

func TestChangedListsWhatDiffers(t *testing.T) {
	assert.Equal(t, []string{"max_stdout_size=1MB", `logrotate_stdout_options="rotate 4\ncompress"`},
		Changed([]Parameter{
			{"max_stdout_size", "1MB"},
			{"max_stderr_size", "10MB"},
			{"launcher_dir", "/usr/libexec/mesos"},
			{"logrotate_stdout_options", "rotate 4\ncompress"},
		}))
}
