package state

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	sluicepb "sluice/proto"
)

// release names the version whose record, and what it has to be read as, are to be
// written into testdata: once for each version, when it is released, and never again.
var release = flag.String("release", "", "write the record of this version into testdata")

// fullRecord has a value in every member that the records have today.
func fullRecord() *sluicepb.StreamRecord {
	return &sluicepb.StreamRecord{
		BootId: "6fb1f08d-2f7c-4b5e-9d3a-0d7d0e3c1a55", CreatedUnixNano: 1_790_000_000_000_000_001,
		ContainerId: "parent.child", Stream: "stdout", FrameworkId: "framework", ExecutorId: "executor", TaskId: "task",
		Sandbox: "/var/lib/mesos/sandbox", SandboxDevice: 2049, SandboxInode: 4711,
		User: "nobody", Uid: 65534, Gid: 65534, Groups: []uint32{65534, 100},
		Settings: &sluicepb.Settings{
			MaxBytes: 2 << 20, MaxBytesFrom: &sluicepb.Origin{Name: "max_stdout_size"},
			OptionsText: "rotate 9\ncompress\n", OptionsFrom: &sluicepb.Origin{Task: true, Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS"},
			MaxRateBytes: 1 << 20, MaxRateFrom: &sluicepb.Origin{Name: "max_stdout_rate"},
			WhenFull: &sluicepb.WhenFull{
				Evict: true, EvictFrom: &sluicepb.Origin{Name: "evict_on_full"},
				WaitNanos: 2_000_000_000, WaitFrom: &sluicepb.Origin{Task: true, Name: "CONTAINER_LOGGER_FULL_WAIT"},
				Block: true, PolicyFrom: &sluicepb.Origin{Task: true, Name: "CONTAINER_LOGGER_ON_FULL"},
			},
			FirstBytes: 2 << 20,
		},
		Accounting: &sluicepb.Accounting{
			WrittenBytes: 123_456_789, DroppedBytes: 1_012, DroppedLines: 11, Rotations: 58,
			LastRotationUnixNano: 1_790_000_100_000_000_002, LiveInode: 4712, LiveStartBytes: 2_097_000, CarriedBytes: 99,
			Losses: []*sluicepb.Loss{
				{Cause: sluicepb.Cause_NO_SPACE, Bytes: 500, Lines: 5},
				{Cause: sluicepb.Cause_QUOTA, Bytes: 100, Lines: 1},
				{Cause: sluicepb.Cause_IO_ERROR, Bytes: 100, Lines: 1},
				{Cause: sluicepb.Cause_RATE, Bytes: 100, Lines: 1},
				{Cause: sluicepb.Cause_DISCARDED, Bytes: 100, Lines: 1},
				{Cause: sluicepb.Cause_PANIC, Bytes: 100, Lines: 1},
				{Cause: sluicepb.Cause_SANDBOX_REMOVED, Bytes: 12, Lines: 1},
			},
			Gap: &sluicepb.Gap{
				SinceUnixNano: 1_790_000_200_000_000_003, Cause: sluicepb.Cause_NO_SPACE, ErrorNumber: 28, Bytes: 400, Lines: 4, WithinLine: true, Unknown: true,
			},
			Mark:          &sluicepb.Mark{GapSinceUnixNano: 1_790_000_200_000_000_003, Bytes: 120},
			SpilledChunks: 7, ContinuesLine: true, Marks: 3, MarkBytes: 333,
			EvictedFiles: 2, EvictedBytes: 4 << 20, LongestBlockedNanos: 1_500_000_000, WrittenLines: proto.Int64(1_234_567),
			LiveBirth: &sluicepb.Birth{Inode: 4712, WrittenBytes: 123_456_789, UnixNano: 1_790_000_100_000_000_005, Generation: 17},
		},
		FirstEndBytes: 2_096_900,
		EvictedFiles:  6, EvictedBytes: 12 << 20, EvictedUnixNano: 1_790_000_300_000_000_004, EvictedFor: "node_max_bytes",
		Needs:    []string{"sluice.Settings.of_a_newer_version"},
		Complete: true, Unattended: &sluicepb.Unattended{Marked: true},
		Interlude: &sluicepb.Interlude{
			Version: 1, Found: []byte("a record"), Taken: &sluicepb.Accounting{WrittenBytes: 123_456_700},
		},
	}
}

func TestFullRecordHasEveryMember(t *testing.T) {
	found := map[string]bool{}
	record := fullRecord()
	record.Version = RecordVersion
	setMembers(record, func(name string) { found[name] = true })
	for name := range members {
		if name.Parent() != "sluice" { // the values of enums
			assert.True(t, found[string(name)], "%s is not set", name)
		}
	}
}

// TestReleasedRecordsAreRead reads what each released version wrote.
func TestReleasedRecordsAreRead(t *testing.T) {
	if *release != "" {
		writeReleased(t, *release)
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
			text, err := os.ReadFile(expectationOf(path))
			require.NoError(t, err)
			want := &sluicepb.StreamRecord{}
			require.NoError(t, protojson.Unmarshal(text, want), "no member that was released may go or change its name")
			assert.Empty(t, got.ProtoReflect().GetUnknown())
			assert.True(t, proto.Equal(want, got), "want %v\ngot  %v", want, got)
		})
	}
}

func expectationOf(path string) string { return strings.TrimSuffix(path, ".record") + ".json" }

func writeReleased(t *testing.T, version string) {
	t.Helper()
	path := filepath.Join("testdata", version+".record")
	record := fullRecord()
	data, err := encodeRecord(record)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o644))
	text, err := protojson.MarshalOptions{Multiline: true, UseProtoNames: true}.Marshal(record)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(expectationOf(path), append(text, '\n'), 0o644))
}
