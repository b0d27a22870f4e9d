package state

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sluicepb "sluice/proto"
)

// release names the version whose record is to be written into testdata: once for
// each version, when it is released, and never again.
var release = flag.String("release", "", "write the record of this version into testdata")

// releasedRecord has a value in every member that version 1 of the records has.
func releasedRecord() *sluicepb.StreamRecord {
	return &sluicepb.StreamRecord{
		BootId: "6fb1f08d-2f7c-4b5e-9d3a-0d7d0e3c1a55", CreatedUnixNano: 1_790_000_000_000_000_001,
		ContainerId: "parent.child", Stream: "stdout", FrameworkId: "framework", ExecutorId: "executor", TaskId: "task",
		Sandbox: "/var/lib/mesos/sandbox", SandboxDevice: 2049, SandboxInode: 4711,
		User: "nobody", Uid: 65534, Gid: 65534, Groups: []uint32{65534, 100},
		Settings: &sluicepb.Settings{
			MaxBytes: 2 << 20, MaxBytesFrom: &sluicepb.Origin{Name: "max_stdout_size"},
			OptionsText: "rotate 9\ncompress\n", OptionsFrom: &sluicepb.Origin{Task: true, Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS"},
			MaxRateBytes: 1 << 20, MaxRateFrom: &sluicepb.Origin{Name: "max_stdout_rate"},
		},
		Accounting: &sluicepb.Accounting{
			WrittenBytes: 123_456_789, DroppedBytes: 12, DroppedLines: 1, Rotations: 58,
			LastRotationUnixNano: 1_790_000_100_000_000_002, LiveInode: 4712, LiveStartBytes: 2_097_000, CarriedBytes: 99,
		},
	}
}

// TestReleasedRecordsAreRead reads what each released version wrote.
func TestReleasedRecordsAreRead(t *testing.T) {
	if *release != "" {
		data, err := encodeRecord(releasedRecord())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join("testdata", *release+".record"), data, 0o644))
	}
	found, err := filepath.Glob("testdata/*.record")
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, path := range found {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			got, err := decodeRecord(data)
			require.NoError(t, err)
			want := releasedRecord()
			want.Version = got.GetVersion()
			assert.Equal(t, want.String(), got.String())
		})
	}
}
