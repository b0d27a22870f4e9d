package realagent

import (
	"bytes"
	"path"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// lineBytes is the length of the lines that the containers write.
const lineBytes = 50

// numbered is what `seq --format=seqFormat first last` writes.
func numbered(first, last int) []byte { return kit.LinesFrom(first, last-first+1, lineBytes) }

const seqFormat = "%049.0f"

// joined reads a numbered series through the agent's API, oldest file first. No file is
// over its limit, and none but the live one ends within a line.
func (n *node) joined(dir, stream string, limitBytes int) []byte {
	n.t.Helper()
	sizes, err := listFiles(n.calls, dir)
	require.NoError(n.t, err, dir)
	var joined []byte
	for i := rotated(sizes, stream); i >= 0; i-- {
		name := stream
		if i > 0 {
			name += "." + strconv.Itoa(i)
		}
		require.Contains(n.t, sizes, name, "%s: the numbers have a gap", dir)
		content, err := readFile(n.calls, path.Join(dir, name))
		require.NoError(n.t, err, name)
		listed, read := int(sizes[name]), len(content)
		require.Equal(n.t, listed, read, "%s: LIST_FILES and READ_FILE differ", name)
		require.LessOrEqual(n.t, read, limitBytes, "%s is over its limit", name)
		if i > 0 {
			require.True(n.t, bytes.HasSuffix(content, []byte("\n")), "%s ends within a line", name)
		}
		joined = append(joined, content...)
	}
	return joined
}

// requireSeries says that a series is exactly what was written.
func (n *node) requireSeries(dir, stream string, limitBytes int, written []byte) {
	n.t.Helper()
	joined := n.joined(dir, stream, limitBytes)
	// Compared as numbers and a bool: a message with megabytes of text helps nobody.
	want, got := len(written), len(joined)
	require.Equal(n.t, want, got, "bytes of %s in %s", stream, dir)
	require.True(n.t, bytes.Equal(written, joined), "%s in %s is not what was written", stream, dir)
}

// rotated is how many numbered files a listing has.
func rotated(sizes map[string]uint64, stream string) (count int) {
	for name := range sizes {
		if rest, ok := strings.CutPrefix(name, stream+"."); ok {
			if _, err := strconv.Atoi(rest); err == nil {
				count++
			}
		}
	}
	return count
}

// rotatedFiles is how many rotated files a stream has so far, if it has a sandbox.
func (n *node) rotatedFiles(dir, stream string) int {
	sizes, _ := listFiles(n.calls, dir)
	return rotated(sizes, stream)
}

// requireAccounted waits until no stream is left and says what the metrics have to say
// then. The bytes are those of this agent process: earlier ones counted their own.
func (n *node) requireAccounted() map[string]float64 {
	n.t.Helper()
	metrics := n.awaitStreams()
	for _, name := range []string{"dropped", "written", "in"} {
		require.Contains(n.t, metrics, "sluice/bytes_"+name)
	}
	require.InDelta(n.t, metrics["sluice/bytes_written"]+metrics["sluice/bytes_dropped"], metrics["sluice/bytes_in"], 0)
	for _, name := range []string{"bytes_dropped", "write_errors", "rotation_errors", "panics", "impostors"} {
		require.Zero(n.t, metrics["sluice/"+name], name)
	}
	return metrics
}

// awaitStreams waits until no stream is left, and gives the metrics then.
func (n *node) awaitStreams() (metrics map[string]float64) {
	n.t.Helper()
	n.agent.until("no stream is left", func() bool {
		var err error
		metrics, err = getMetrics(n.calls)
		require.NoError(n.t, err)
		require.Contains(n.t, metrics, "sluice/streams")
		return metrics["sluice/streams"] == 0
	})
	return metrics
}
