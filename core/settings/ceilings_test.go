package settings

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ceilings is an operator who bounds everything.
func ceilings(t testing.TB, policy string, more ...Parameter) Module {
	return module(t, append([]Parameter{
		{"task_max_size", "1MB"},
		{"task_max_files", "5"},
		{"task_max_rate", "2MB"},
		{"task_options", "rotate, compress,maxsize,dateext"},
		{"override_policy", policy},
		{"logrotate_stdout_options", "rotate 3\ncreate"},
	}, more...)...)
}

const (
	sizeVariable    = "CONTAINER_LOGGER_MAX_STDOUT_SIZE"
	rateVariable    = "CONTAINER_LOGGER_MAX_STDOUT_RATE"
	allVariables    = "; expected CONTAINER_LOGGER_ and MAX_STDOUT_SIZE, MAX_STDERR_SIZE, LOGROTATE_STDOUT_OPTIONS, LOGROTATE_STDERR_OPTIONS, MAX_STDOUT_RATE, MAX_STDERR_RATE, STDOUT, STDERR, EVICT_ON_FULL, FULL_WAIT, ON_FULL"
	optionsVariable = "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS"
)

func TestOverACeiling(t *testing.T) {
	tests := []struct {
		variable, value string
		// refused is the message under refuse; lowered the note under clamp, which is
		// the same refusal where it is empty.
		refused, lowered string
		check            func(t *testing.T, s Stream)
	}{
		{
			sizeVariable, "2MB",
			`"2MB" is more than the operator allows; expected at most 1MB (parameter task_max_size)`,
			`"2MB" was lowered to 1MB (parameter task_max_size)`,
			func(t *testing.T, s Stream) { assert.Equal(t, int64(1<<20), s.MaxBytes) },
		},
		{
			rateVariable, "3MB",
			`"3MB" is more than the operator allows; expected at most 2MB (parameter task_max_rate)`,
			`"3MB" was lowered to 2MB (parameter task_max_rate)`,
			func(t *testing.T, s Stream) { assert.Equal(t, int64(2<<20), s.MaxRateBytes) },
		},
		{
			rateVariable, "off",
			`"off" is more than the operator allows; expected at most 2MB (parameter task_max_rate)`,
			`"off" was lowered to 2MB (parameter task_max_rate)`,
			func(t *testing.T, s Stream) { assert.Equal(t, int64(2<<20), s.MaxRateBytes) },
		},
		{
			optionsVariable, "compress\nrotate 6",
			`line 2: "rotate 6" is more than the operator allows; expected at most rotate 5 (parameter task_max_files)`,
			`"rotate 6" was lowered to rotate 5 (parameter task_max_files)`,
			func(t *testing.T, s Stream) { assert.Equal(t, 5, s.Policy.Rotate); assert.True(t, s.Policy.Compress) },
		},
		{
			optionsVariable, "rotate -1\ndateext",
			`line 1: "rotate -1" is more than the operator allows; expected at most rotate 5 (parameter task_max_files)`,
			`"rotate -1" was lowered to rotate 5 (parameter task_max_files)`,
			func(t *testing.T, s Stream) { assert.Equal(t, 5, s.Policy.Rotate); assert.True(t, s.Policy.DateExt) },
		},
		{
			optionsVariable, "rotate 2\ncopytruncate",
			`line 2, column 1: "copytruncate": the operator does not let a task use this directive; ` +
				`expected only rotate, compress, maxsize, dateext`,
			`line 2: "copytruncate": left out: the operator does not let a task use this directive`,
			func(t *testing.T, s Stream) {
				assert.Equal(t, 2, s.Policy.Rotate)
				assert.False(t, s.Policy.CopyTruncate)
			},
		},
		{
			optionsVariable, "rotate 2\npostrotate\nrotate 9\nendscript",
			`line 2, column 1: "postrotate": the operator does not let a task use this directive; ` +
				`expected only rotate, compress, maxsize, dateext`,
			`line 2: "postrotate": left out: the operator does not let a task use this directive`,
			func(t *testing.T, s Stream) {
				assert.Equal(t, 2, s.Policy.Rotate)
				assert.False(t, s.Policy.Scripts.Any())
			},
		},
		{
			optionsVariable, "maxsize 1",
			"line 1: maxsize 1 is too small; expected at least one page, 4096 bytes", "", nil,
		},
		{
			sizeVariable, "junk", `"junk" does not begin with a number; expected ` + sizeForm, "", nil,
		},
		{
			"CONTAINER_LOGGER_JUNK", "x", "there is no such variable" + allVariables, "", nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.variable+" "+tt.value, func(t *testing.T) {
			env := []Variable{{tt.variable, tt.value}}
			name := "task variable " + tt.variable + ": "
			_, _, err := ceilings(t, "refuse").ForTask(env, "nobody", "/sandbox")
			require.EqualError(t, err, name+tt.refused)

			clamped, notes, err := ceilings(t, "clamp").ForTask(env, "nobody", "/sandbox")
			if tt.lowered == "" {
				require.EqualError(t, err, name+tt.refused)
			} else {
				require.NoError(t, err)
				assert.Equal(t, []Note{{Warning, name + tt.lowered}}, notes)
				tt.check(t, clamped.Stdout)
				line := strings.Replace(name+tt.lowered, ": line", ", line", 1)
				assert.Contains(t, clamped.Stdout.ConfText("/sandbox/stdout"), "    # "+line+"\n")
			}

			ignoring := ceilings(t, "ignore")
			ignored, notes, err := ignoring.ForTask(env, "nobody", "/sandbox")
			require.NoError(t, err)
			assert.Equal(t, []Note{{Warning, name + tt.refused + "; the variable is ignored"}}, notes)
			assert.Equal(t, ignoring.Stdout, ignored.Stdout)
		})
	}
}

func TestWithinTheCeilings(t *testing.T) {
	for _, policy := range []string{"refuse", "clamp", "ignore"} {
		c, notes, err := ceilings(t, policy).ForTask([]Variable{
			{sizeVariable, "1MB"}, {rateVariable, "2MB"}, {optionsVariable, "rotate 5\nnocompress\nmaxsize 64k"},
		}, "nobody", "/sandbox")
		require.NoError(t, err)
		assert.Empty(t, notes)
		assert.Equal(t, int64(1<<20), c.Stdout.MaxBytes)
		assert.Equal(t, int64(2<<20), c.Stdout.MaxRateBytes)
		assert.Equal(t, 5, c.Stdout.Policy.Rotate)
		assert.Equal(t, int64(10<<20), c.Stderr.MaxBytes, "ceilings are not the operator's own")
	}
}

func TestAbsentRotateKeepsTheCeiling(t *testing.T) {
	m := ceilings(t, "refuse", Parameter{"logrotate_stderr_options", "rotate 9"})
	c, _, err := m.ForTask([]Variable{{optionsVariable, "compress"}}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Equal(t, 1, c.Stdout.Policy.Rotate)
	assert.Equal(t, 9, c.Stderr.Policy.Rotate)

	m.Task.MaxFiles = 0
	c, notes, err := m.ForTask([]Variable{{optionsVariable, ""}}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Empty(t, notes)
	assert.Equal(t, 0, c.Stdout.Policy.Rotate)
}

// A task may choose a rate above the operator's default where a ceiling says so.
func TestRateCeilingTakesThePlaceOfTheDefault(t *testing.T) {
	m := module(t, Parameter{"max_stdout_rate", "1MB"}, Parameter{"task_max_rate", "2MB"})
	c, _, err := m.ForTask([]Variable{{rateVariable, "2MB"}}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Equal(t, int64(2<<20), c.Stdout.MaxRateBytes)
}

// Each file that is full costs a rotation: a task may not make them as small as it likes.
func TestTheFloorUnderATasksLimit(t *testing.T) {
	small, maxsize := Variable{sizeVariable, "8KB"}, Variable{optionsVariable, "rotate 2\nmaxsize 4k"}
	m := module(t)
	_, _, err := m.ForTask([]Variable{small}, "nobody", "/sandbox")
	require.EqualError(t, err, "task variable "+sizeVariable+
		`: "8KB" is less than the operator allows; expected at least 64KB (parameter task_min_size)`)
	_, _, err = m.ForTask([]Variable{maxsize}, "nobody", "/sandbox")
	require.EqualError(t, err, "task variable "+optionsVariable+
		`: line 2: "maxsize 4096" is less than the operator allows; expected at least maxsize 65536 (parameter task_min_size)`)

	c, _, err := module(t, Parameter{"override_policy", "clamp"}).ForTask([]Variable{small, maxsize}, "nobody", "/sandbox")
	require.NoError(t, err)
	assert.Equal(t, int64(64<<10), c.Stdout.MaxBytes)
	assert.Equal(t, int64(64<<10), c.Stdout.Policy.MaxSizeBytes)
	assert.Contains(t, c.Stdout.Lowered, "task variable "+sizeVariable+`: "8KB" was raised to 64KB (parameter task_min_size)`)

	for _, own := range []Parameter{{"task_min_size", "4KB"}, {"max_stdout_size", "8KB"}, {"task_max_size", "8KB"}} {
		c, _, err = module(t, own).ForTask([]Variable{small}, "nobody", "/sandbox")
		require.NoError(t, err, own.Key)
		assert.Equal(t, int64(8<<10), c.Stdout.MaxBytes)
	}
}

func TestJunkIsIgnoredInFewWords(t *testing.T) {
	m := module(t, Parameter{"override_policy", "ignore"})
	var env []Variable
	for range 1000 {
		env = append(env, Variable{"CONTAINER_LOGGER_JUNK", "x"})
	}
	env = append(env, Variable{sizeVariable, "80KB"}, Variable{sizeVariable, "90KB"})
	c, notes, err := m.ForTask(env, "nobody", "/sandbox")
	require.NoError(t, err)
	require.Len(t, notes, maxIgnoredNotes+1)
	assert.Equal(t, Note{Warning, "further task variables are ignored"}, notes[maxIgnoredNotes])
	assert.Equal(t, int64(80<<10), c.Stdout.MaxBytes)
}

// A container that runs keeps its log when the operator lowers the ceilings.
func TestRecoveryLowersInsteadOfRefusing(t *testing.T) {
	text := "rotate 100\ncompress\ncopytruncate"
	granted, _, err := module(t).ForTask([]Variable{{optionsVariable, text}}, "nobody", "/sandbox")
	require.NoError(t, err)
	for _, policy := range []string{"refuse", "ignore"} {
		again := ceilings(t, policy).WithPolicy(granted.Stdout, "nobody", "/sandbox")
		require.Empty(t, again.Withheld)
		assert.Equal(t, 5, again.Policy.Rotate)
		assert.True(t, again.Policy.CopyTruncate)
	}
}

func TestBadCeilings(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"task_max_size", "", `"" is empty; expected ` + ceilingForm},
		{"task_max_size", "1", `"1" has no unit; expected ` + ceilingForm},
		{"task_max_size", "1KB", `"1KB" is too small; expected at least one page, 4096 bytes`},
		{"task_max_files", "", `"" is empty; expected none, or a whole number`},
		{"task_max_files", "-1", `"-1" is not a number of files; expected none, or a whole number`},
		{"task_max_files", "99999999999", `"99999999999" is too large; expected none, or a whole number`},
		{"task_options", "", `"" is empty; expected ` + directivesForm},
		{"task_options", "rotate,compres", `"rotate,compres" names the unknown directive "compres", the nearest is compress; expected ` + directivesForm},
		{"override_policy", "Clamp", `"Clamp" is none of them; expected refuse, clamp or ignore`},
	}
	for _, tt := range tests {
		_, _, err := ParseModule([]Parameter{{tt.name, tt.value}})
		require.EqualError(t, err, "parameter "+tt.name+": "+tt.want)
	}
	m := module(t, Parameter{"task_max_size", "none"}, Parameter{"task_max_files", "none"}, Parameter{"task_options", "none"})
	assert.Equal(t, Ceilings{MinBytes: 64 << 10, MaxFiles: -1, Options: []string{}}, m.Task)
	_, _, err := m.ForTask([]Variable{{optionsVariable, "rotate 2"}}, "nobody", "/sandbox")
	require.EqualError(t, err, "task variable "+optionsVariable+
		`: line 1, column 1: "rotate": the operator does not let a task use this directive; expected no directive at all`)
}
