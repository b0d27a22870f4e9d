package engine

import (
	"bytes"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the project's own messages are carried by this package
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sluice/core/state"
	sluicepb "sluice/proto"
)

// An upgrade: streams that each released version left are served. The records have
// every member, which no one stream has at a time.
func TestRecordsOfReleasedVersionsAreServed(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(r *sluicepb.StreamRecord)
		log   string
		lost  int64
	}{
		{"", func(r *sluicepb.StreamRecord) {
			r.Settings.FirstBytes, r.FirstEndBytes, r.Accounting.Gap = 0, 0, nil
		}, "the end of a line\nupgraded\n", 0},
		{"within a gap", func(r *sluicepb.StreamRecord) {
			r.Settings.FirstBytes, r.FirstEndBytes = 0, 0
		}, "\n[sluice] TIME lost 418 bytes in 5 lines since TIME: no space left on device; the line before is incomplete\nupgraded\n", 18},
		{"past its first bytes", func(r *sluicepb.StreamRecord) {
			r.Accounting.Gap = nil
		}, "", 27},
	} {
		for path := range releasedRecords(t) {
			t.Run(filepath.Base(path)+" "+c.name, func(t *testing.T) {
				b := newTestbed(t)
				stdout, stderr := b.abandoned("c")
				defer stderr.Close()
				b.becomes("stdout", path, c.alter)
				e := b.open()
				defer e.Close()
				assert.Equal(t, int64(2), e.Metrics().Recovered)
				before := e.Metrics()
				assert.Positive(t, before.WrittenBytes, "the account goes on")
				_, err := stdout.WriteString("the end of a line\nupgraded\n")
				require.NoError(t, err)
				waitFor(func() bool { return e.Metrics().InBytes() == before.InBytes()+27 })
				assert.Equal(t, before.DroppedBytes+c.lost, e.Metrics().DroppedBytes)
				log := regexp.MustCompile(`\d{4}-\S+Z`).ReplaceAllString(string(b.series("c", "stdout", 2<<20)), "TIME")
				assert.Equal(t, c.log, log)
				require.NoError(t, stdout.Close())
			})
		}
	}
}

// releasedRecords are the paths of the records that released versions have written.
func releasedRecords(t *testing.T) iter.Seq[string] {
	t.Helper()
	found, err := filepath.Glob("../state/testdata/*.record")
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return slices.Values(found)
}

// becomes makes the record of a stream one that a released version wrote, but for what
// belongs to this machine.
func (b *testbed) becomes(stream, path string, alter func(r *sluicepb.StreamRecord)) {
	b.t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(b.t, err)
	released := messageOf(b.t, data)
	b.rewrite(stream, func(r *sluicepb.StreamRecord) {
		here := proto.Clone(r).(*sluicepb.StreamRecord)
		r.Reset()
		proto.Merge(r, released)
		r.BootId, r.Sandbox, r.SandboxDevice, r.SandboxInode = here.BootId, here.Sandbox, here.SandboxDevice, here.SandboxInode
		r.Uid, r.Gid, r.Groups = here.Uid, here.Gid, here.Groups
		alter(r)
	})
}

// newerForms are what a version to come may write: with members that this one does not
// know, which it names, or does not.
var newerForms = []struct {
	name, says string
	change     func(r *sluicepb.StreamRecord) (needs []string)
}{
	{"a setting", "sluice.Settings.line_prefix", func(r *sluicepb.StreamRecord) []string {
		r.Settings.ProtoReflect().SetUnknown(unknownMember("time"))
		return []string{"sluice.Settings.line_prefix"}
	}},
	{"options that this version does not read", "by the moon", func(r *sluicepb.StreamRecord) []string {
		r.Settings.OptionsText = "rotate by the moon"
		return []string{"sluice.Settings.almanac"}
	}},
	{"a part of the account", "sluice.Accounting.journal", func(r *sluicepb.StreamRecord) []string {
		r.Accounting.ProtoReflect().SetUnknown(unknownMember("where it is"))
		return []string{"sluice.Accounting.journal"}
	}},
	{"a cause of a loss", "sluice.FLOODED", func(r *sluicepb.StreamRecord) []string {
		r.Accounting.Losses = append(r.Accounting.Losses, &sluicepb.Loss{Cause: 99, Bytes: 70, Lines: 7})
		r.Accounting.DroppedBytes, r.Accounting.DroppedLines = 70, 7
		return []string{"sluice.FLOODED"}
	}},
	{"nothing that it names", "version 2, this one reads up to 1", func(r *sluicepb.StreamRecord) []string {
		r.ProtoReflect().SetUnknown(unknownMember("x"))
		return nil
	}},
}

// unknownMember is the member number 900, a string.
func unknownMember(value string) protoreflect.RawFields {
	return protowire.AppendString(protowire.AppendTag(nil, 900, protowire.BytesType), value)
}

// newer makes the record of stdout one of the version after this, and gives it.
func (b *testbed) newer(change func(r *sluicepb.StreamRecord) []string) *sluicepb.StreamRecord {
	b.t.Helper()
	path := b.record("stdout")
	data, err := os.ReadFile(path)
	require.NoError(b.t, err)
	record := messageOf(b.t, data)
	data, err = state.EncodeVersion(record, state.RecordVersion+1, change(record)...)
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(path, data, 0o600))
	return record
}

// recorded is the record of stdout.
func (b *testbed) recorded() *sluicepb.StreamRecord {
	b.t.Helper()
	data, err := os.ReadFile(b.record("stdout"))
	require.NoError(b.t, err)
	return messageOf(b.t, data)
}

// lastFiles are the youngest rotated file and the live one: older ones, which a policy
// that can be read would keep, stay where it cannot.
func (b *testbed) lastFiles() (all []byte) {
	b.t.Helper()
	for _, name := range []string{"stdout.1", "stdout"} {
		data, err := os.ReadFile(filepath.Join(b.sandbox("c"), name))
		require.NoError(b.t, err)
		require.NotEmpty(b.t, data)
		all = append(all, data...)
	}
	return all
}

// A downgrade: what a newer version began is served, with what is understood of it, under
// one owner after the other, and stays that version's.
func TestNewerRecordIsServedAndStaysTheNewerVersions(t *testing.T) {
	for _, c := range newerForms {
		t.Run(c.name, func(t *testing.T) {
			b := newTestbed(t, "max_stdout_size", "1MB", "logrotate_stdout_options", "rotate 3")
			e := b.open()
			stdout, stderr := b.prepare(e, "c")
			output := numbered(25_000, 100)
			b.writes(stdout, output)
			eventually(t, "all is written", func() bool { return e.Metrics().WrittenBytes == int64(len(output)) })
			e.Close()

			left := b.newer(c.change)
			for range 2 {
				e = b.open()
				before := e.Metrics()
				assert.Equal(t, int64(2), before.Recovered)
				assert.Equal(t, int64(len(output)), before.WrittenBytes, "the account goes on")
				more := numbered(outputBytes/200, 100)
				b.writes(stdout, more)
				output = append(output, more...)
				eventually(t, "all is written", func() bool { return e.Metrics().WrittenBytes == int64(len(output)) })
				assert.Equal(t, left.GetAccounting().GetDroppedBytes(), e.Metrics().DroppedBytes)
				e.Close()

				now := b.recorded()
				assert.Equal(t, left.GetVersion(), now.GetVersion())
				assert.Equal(t, left.GetNeeds(), now.GetNeeds())
				assert.True(t, proto.Equal(left.GetSettings(), now.GetSettings()), "%v", now.GetSettings())
				assert.Equal(t, left.ProtoReflect().GetUnknown(), now.ProtoReflect().GetUnknown())
				assert.Equal(t, left.GetAccounting().ProtoReflect().GetUnknown(), now.GetAccounting().ProtoReflect().GetUnknown())
				found := &sluicepb.StreamRecord{}
				require.NoError(t, proto.Unmarshal(now.GetInterlude().GetFound(), found))
				assert.True(t, proto.Equal(left, found), "what the newer version left\nwant %v\ngot  %v", left, found)
				assert.Equal(t, int64(2_500_000), now.GetInterlude().GetTaken().GetWrittenBytes())
			}
			assert.Contains(t, b.log.String(), c.says)
			assert.True(t, bytes.HasSuffix(output, b.lastFiles()), "what is kept is the end of the output")

			// The newer version is back: it understands what it wrote.
			path := b.record("stdout")
			data, err := state.EncodeVersion(b.recorded(), state.RecordVersion)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, data, 0o600))
			e = b.open()
			assert.Equal(t, int64(len(output)), e.Metrics().WrittenBytes)
			b.writes(stdout, numbered(20_000, 100)) // a rotation: the record is written
			eventually(t, "the interlude is over", func() bool { return b.recorded().GetInterlude() == nil })
			require.NoError(t, stdout.Close())
			require.NoError(t, stderr.Close())
			waitEnded(e)
			assert.Equal(t, int64(len(output)+2_000_000), e.Metrics().WrittenBytes)
			e.Close()
			assert.Empty(t, b.stateNames())
		})
	}
}

// A container whose stream a newer version began may end under this one.
func TestStreamOfANewerVersionEnds(t *testing.T) {
	for _, c := range newerForms {
		t.Run(c.name, func(t *testing.T) {
			b := newTestbed(t)
			stdout, stderr := b.abandoned("c")
			left := b.newer(c.change)
			e := b.open()
			b.writes(stdout, numbered(100, 100))
			require.NoError(t, stdout.Close())
			require.NoError(t, stderr.Close())
			waitEnded(e)
			m := e.Metrics()
			assert.Equal(t, int64(10_000), m.WrittenBytes)
			assert.Equal(t, left.GetAccounting().GetDroppedBytes(), m.DroppedBytes)
			e.Close()
			assert.Empty(t, b.stateNames())
		})
	}
}

// A gap that was open under the newer version is closed under this one, by the account.
func TestGapOfANewerVersionIsClosed(t *testing.T) {
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	b.newer(func(r *sluicepb.StreamRecord) []string {
		r.Accounting.Gap = &sluicepb.Gap{SinceUnixNano: 1_790_000_000_000_000_000, Cause: sluicepb.Cause_NO_SPACE, ErrorNumber: 28, Bytes: 50, Lines: 2, WithinLine: true}
		r.Accounting.Losses = []*sluicepb.Loss{{Cause: sluicepb.Cause_NO_SPACE, Bytes: 50, Lines: 2}}
		r.Accounting.DroppedBytes, r.Accounting.DroppedLines = 50, 2
		r.Settings.ProtoReflect().SetUnknown(unknownMember("time"))
		return []string{"sluice.Settings.line_prefix"}
	})
	e := b.open()
	b.writes(stdout, []byte("the end of a line\nand more\n"))
	eventually(t, "the gap is closed", func() bool { return e.Metrics().WrittenBytes == 9 })
	assert.Regexp(t, `^\[sluice\] \S+ lost 68 bytes in 3 lines since 2026-09-21T\S+: no space left on device\nand more\n$`,
		string(b.series("c", "stdout", 10<<20)))
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	assert.Equal(t, int64(68), e.Metrics().DroppedBytes)
	e.Close()
}

// A record in which this version does not even know the stream: the pipe is drained, and
// the record waits as it is.
func TestRecordThatOnlyANewerVersionUnderstandsIsLeftAlone(t *testing.T) {
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	defer stderr.Close()
	b.newer(func(r *sluicepb.StreamRecord) []string {
		r.Stream, r.Settings = "journal", nil
		return []string{"sluice.StreamRecord.journal"}
	})
	left, err := os.ReadFile(b.record("stdout"))
	require.NoError(t, err)
	for range 2 {
		e := b.open()
		output := numbered(outputBytes/100, 100)
		b.writes(stdout, output)
		eventually(t, "it is drained", func() bool { return e.Metrics().DroppedBytes == int64(len(output)) })
		e.Close()
		now, err := os.ReadFile(b.record("stdout"))
		require.NoError(t, err)
		assert.Equal(t, left, now)
	}
	assert.Contains(t, b.log.String(), "sluice.StreamRecord.journal")
	require.NoError(t, stdout.Close())
}
