package e2e

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// The parts of a record on disk (core/state/record.go, proto/record.proto) that a version to
// come would set, and the number of a member that is not in there yet.
const (
	recordHeader  = len("SLUICER1") + 8
	versionMember = 1
	needsMember   = 45
	unknownNumber = 900
)

// ofTomorrow makes a record one of a later version, with a member that nobody knows yet.
func ofTomorrow(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	message := data[recordHeader:]
	// Of two values of a member the last one counts.
	message = protowire.AppendVarint(protowire.AppendTag(message, versionMember, protowire.VarintType), 2)
	message = protowire.AppendString(protowire.AppendTag(message, needsMember, protowire.BytesType), "sluice.StreamRecord.of_tomorrow")
	message = protowire.AppendString(protowire.AppendTag(message, unknownNumber, protowire.BytesType), "kept for tomorrow")
	record := append([]byte(nil), data[:recordHeader]...)
	binary.LittleEndian.PutUint32(record[recordHeader-8:], uint32(len(message)))
	binary.LittleEndian.PutUint32(record[recordHeader-4:], crc32.Checksum(message, crc32.MakeTable(crc32.Castagnoli)))
	require.NoError(t, os.WriteFile(path, append(record, message...), 0o600))
}

// isOfTomorrow says that a record still is what ofTomorrow has made of it.
func isOfTomorrow(t *testing.T, path string) bool {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	version, kept := uint64(0), false
	for message := data[recordHeader:]; len(message) > 0; {
		number, kind, n := protowire.ConsumeTag(message)
		require.Positive(t, n)
		message = message[n:]
		switch number {
		case versionMember:
			version, _ = protowire.ConsumeVarint(message)
		case unknownNumber:
			value, _ := protowire.ConsumeString(message)
			kept = value == "kept for tomorrow"
		}
		n = protowire.ConsumeFieldValue(number, kind, message)
		require.Positive(t, n)
		message = message[n:]
	}
	return version == 2 && kept
}

// records are the paths of the records of all streams.
func (n *node) records() []string {
	n.t.Helper()
	found, err := filepath.Glob(filepath.Join(n.stateDir, "*.record"))
	require.NoError(n.t, err)
	require.Len(n.t, found, 2*len(n.boxes))
	return found
}

// A later version began the streams: this one serves them, over kills, and their records
// stay the later version's.
func TestStreamsOfALaterVersionAreServed(t *testing.T) {
	const seed, rounds = 7, 4
	n := newNode(t, seed, parameter{"max_stdout_size", "64KB"}, parameter{"max_stderr_size", "64KB"},
		parameter{"logrotate_stdout_options", "rotate 10000"}, parameter{"logrotate_stderr_options", "rotate 10000\ncompress"})
	n.startContainers(2)
	n.moment(300 * time.Millisecond)
	n.kill(n.agentProcess)
	for _, path := range n.records() {
		ofTomorrow(t, path)
	}
	for range rounds {
		n.owner()
		n.moment(300 * time.Millisecond)
		n.kill(n.agentProcess)
		for _, path := range n.records() {
			assert.True(t, isOfTomorrow(t, path), path)
		}
	}
	n.owner()
	r := n.finish()
	_, bytes, lines := n.requireAll()
	require.InDelta(t, bytes, r.Metrics["sluice/bytes_written"], 0)
	require.InDelta(t, lines, r.Metrics["sluice/lines_written"], 0)
	assert.Contains(t, read(t, n.log.Name()), "not understood: sluice.StreamRecord.of_tomorrow")
}
