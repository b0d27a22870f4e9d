package engine

import (
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the project's own messages are carried by this package
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
