package settings

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A keeper may be older than the agent that left the parameters.
func TestUnderstoodLeavesOutWhatItDoesNotKnow(t *testing.T) {
	given := []Parameter{
		{"of_tomorrow", "yes"},
		{"max_stdout_size", "2MB"},
		{"max_stderr_size", "a lot"},
		{"logrotate_stdout_options", "rotate 3\npostrotate\ntrue\nendscript"},
		{"allow_scripts", "true"},
		{"logrotate_stderr_options", "rotate every noon"},
		{"max_stdout_size", "3MB"},
		{"node_max_bytes", "1MB"},
		{"stdout", "to the moon"},
		{"state_dir", "/run/x"},
	}
	m, refused := Understood(given)
	assert.Equal(t, int64(2<<20), m.Stdout.MaxBytes)
	assert.Equal(t, int64(10<<20), m.Stderr.MaxBytes, "the default")
	assert.Equal(t, 3, m.Stdout.Policy.Rotate, "scripts are allowed by a parameter that follows")
	assert.Zero(t, m.NodeMaxBytes, "less than one container may keep")
	assert.Equal(t, "/run/x", m.StateDir)
	assert.Equal(t, given, m.Given, "for the version that knows them")
	require.Len(t, refused, 6)
	all := errors.Join(refused...).Error()
	for _, part := range []string{"of_tomorrow", "a lot", "twice", "moon", "noon", "node_max_bytes"} {
		assert.Contains(t, all, part)
	}
}

func TestUnderstoodOfNothingIsTheDefaults(t *testing.T) {
	m, refused := Understood(nil)
	assert.Empty(t, refused)
	want, _, err := ParseModule(nil)
	require.NoError(t, err)
	assert.Equal(t, want.Stdout, m.Stdout)
}

// Whatever is in the file, a keeper has settings.
func FuzzUnderstood(f *testing.F) {
	f.Add("of_tomorrow", "yes", "on_full", "block", "node_min_free", "10%")
	f.Add("max_stdout_size", "1", "max_stdout_size", "2", "", "")
	f.Fuzz(func(t *testing.T, a, av, b, bv, c, cv string) {
		given := []Parameter{{a, av}, {b, bv}, {c, cv}}
		m, refused := Understood(given)
		if m.Stdout.MaxBytes == 0 || len(refused) > len(given) {
			t.Fatalf("%d refused, a limit of %d bytes", len(refused), m.Stdout.MaxBytes)
		}
	})
}
