package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/settings"
	sluicepb "sluice/proto"
)

// parameters gives the testbed an agent that is started with others.
func (b *testbed) parameters(parameters ...string) {
	b.t.Helper()
	given := []settings.Parameter{{Key: "state_dir", Value: b.state}}
	if !slices.Contains(parameters, "prepare_timeout") {
		given = append(given, settings.Parameter{Key: "prepare_timeout", Value: "10mins"})
	}
	for i := 0; i < len(parameters); i += 2 {
		given = append(given, settings.Parameter{Key: parameters[i], Value: parameters[i+1]})
	}
	var err error
	b.module, _, err = settings.ParseModule(given)
	require.NoError(b.t, err)
}

// TestPolicyThatIsNotAllowedAnyMore: an operator takes back what he once granted. No
// container loses its log over it, and what is left of its policy holds.
func TestPolicyThatIsNotAllowedAnyMore(t *testing.T) {
	const limit = 1 << 20
	for _, c := range []struct {
		name    string
		granted []string
		record  func(*sluicepb.StreamRecord)
		told    string
		kept    int // rotated files
		last    string
	}{
		{
			"the operator's scripts",
			[]string{"allow_scripts", "true", "logrotate_stdout_options", "rotate 3\npostrotate\ntouch ran\nendscript"},
			nil,
			"parameter allow_scripts does not permit", 3, "no scripts",
		},
		{
			"an external compressor",
			[]string{"allow_scripts", "true", "logrotate_stdout_options", "rotate 3\ncompress\ncompresscmd /bin/cat\ncompressext .cat"},
			nil,
			"an external compressor runs commands", 3, "nocompress",
		},
		{
			"maxsize under a page", nil,
			func(r *sluicepb.StreamRecord) { r.Settings.OptionsText = "rotate 3\nmaxsize 100" },
			"maxsize 100 is too small", 3, "limit 1MB",
		},
		{
			"a directive of a stricter grammar", nil,
			func(r *sluicepb.StreamRecord) { r.Settings.OptionsText = "rotate 3\ninclude /etc/logrotate.d" },
			"it would read files of the agent", 3, "rotate 3",
		},
		{
			"a text that is no text", nil,
			func(r *sluicepb.StreamRecord) { r.Settings.OptionsText = "rotate 3\x00" },
			"a NUL byte", 1, "rotate 1",
		},
		{
			"an owner that nobody knows", nil,
			func(r *sluicepb.StreamRecord) {
				r.Settings.OptionsText = "rotate 3\ncreate 0640 nobody-of-that-name no-such-group"
			},
			`nobody-of-that-name\": unknown to this machine`, 3, "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTestbed(t, append([]string{"max_stdout_size", "1MB"}, c.granted...)...)
			stdout, stderr := b.abandoned("c")
			if c.record != nil {
				b.rewrite("stdout", c.record)
			}
			b.parameters()
			e := b.open()
			output := numbered(outputBytes/100, 100)
			b.writes(stdout, output)
			require.NoError(t, stdout.Close())
			require.NoError(t, stderr.Close())
			eventually(t, "the streams end", func() bool { return e.Metrics().Streams == 0 })
			m := e.Metrics()
			assert.Equal(t, int64(2), m.Recovered)
			assert.Equal(t, int64(len(output)), m.WrittenBytes)
			assert.Zero(t, m.DroppedBytes)
			kept := b.series("c", "stdout", limit)
			assert.True(t, bytes.HasSuffix(output, kept), "what is kept is the end of the output")
			found, err := filepath.Glob(filepath.Join(b.sandbox("c"), "stdout.[0-9]*"))
			require.NoError(t, err)
			assert.Len(t, found, c.kept)
			assert.NoFileExists(t, filepath.Join(b.sandbox("c"), "ran"))
			log := b.log.String()
			assert.Contains(t, log, c.told)
			assert.Equal(t, 1, strings.Count(log, "level=WARN msg=\"the policy of a container")+strings.Count(log, "level=WARN msg=\"an owner that"), log)
			assert.Contains(t, log, c.last)
			assert.Empty(t, b.stateNames())
			e.Close()
		})
	}
}

// TestCompressorTakenBackKeepsCountOfItsFiles: what it has compressed goes when its turn
// comes.
func TestCompressorTakenBackKeepsCountOfItsFiles(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "64KB", "allow_scripts", "true",
		"logrotate_stdout_options", "rotate 3\ncompress\ncompresscmd /bin/cat\ncompressext .cat")
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	require.NoError(t, stderr.Close())
	compressed := func() int {
		found, err := filepath.Glob(filepath.Join(b.sandbox("c"), "stdout.*.cat"))
		require.NoError(t, err)
		return len(found)
	}
	b.writes(stdout, numbered(5000, 100))
	eventually(t, "the files are compressed", func() bool { return compressed() == 3 })
	e.Close()
	b.parameters("max_stdout_size", "64KB")
	e = b.open()
	defer e.Close()
	b.writes(stdout, numbered(700, 100))
	eventually(t, "one of them makes room for a file that stays plain", func() bool { return compressed() == 2 })
	b.writes(stdout, numbered(5000, 100))
	require.NoError(t, stdout.Close())
	eventually(t, "the stream ends", func() bool { return e.Metrics().Streams == 0 })
	assert.Zero(t, compressed())
	_, err := os.Stat(filepath.Join(b.sandbox("c"), "stdout.3"))
	require.NoError(t, err)
}
