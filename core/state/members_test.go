package state

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	sluicepb "sluice/proto"
)

// setMembers calls visit with the full name of each member and enum value of a record.
func setMembers(record *sluicepb.StreamRecord, visit func(name string)) {
	set(record.ProtoReflect(), func(name protoreflect.FullName) { visit(string(name)) })
}

// described adds the names of all members of a message, of those in it, and of the values
// of their enums.
func described(t *testing.T, message protoreflect.MessageDescriptor, into map[protoreflect.FullName]bool) {
	t.Helper()
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		require.False(t, field.IsMap(), "%s: maps are not looked through", field.FullName())
		if into[field.FullName()] {
			continue
		}
		into[field.FullName()] = true
		if inner := field.Message(); inner != nil {
			described(t, inner, into)
		}
		if enum := field.Enum(); enum != nil {
			for j := range enum.Values().Len() {
				into[enum.Values().Get(j).FullName()] = true
			}
		}
	}
}

// Whoever adds a member has to say what an older reader makes of it.
func TestEveryMemberHasAVersion(t *testing.T) {
	names := map[protoreflect.FullName]bool{}
	described(t, (&sluicepb.StreamRecord{}).ProtoReflect().Descriptor(), names)
	highest := uint32(0)
	for name := range names {
		assert.NotZero(t, members[name], "%s has no version: say in members.go which reader may go on with a record that has it", name)
	}
	for name, version := range members {
		assert.True(t, names[name], "%s has a version, and there is no such member", name)
		highest = max(highest, version)
	}
	assert.Equal(t, highest, uint32(RecordVersion))
}

// raised is the table of a version to come, in which some members need more.
func raised(names map[protoreflect.FullName]uint32) versions {
	v := versions{}
	for name, version := range members {
		v[name] = version
	}
	for name, version := range names {
		v[name] = version
	}
	return v
}

func TestVersionFollowsFromWhatIsSet(t *testing.T) {
	v := raised(map[protoreflect.FullName]uint32{"sluice.Settings.first_bytes": 2, "sluice.Gap.within_line": 3, "sluice.RATE": 4})
	for _, c := range []struct {
		name    string
		record  *sluicepb.StreamRecord
		version uint32
		needs   []string
	}{
		{"empty", &sluicepb.StreamRecord{}, 1, nil},
		{"nothing of the kind", &sluicepb.StreamRecord{Settings: &sluicepb.Settings{MaxBytes: 1}}, 1, nil},
		{
			"a member of a message in it", &sluicepb.StreamRecord{Settings: &sluicepb.Settings{FirstBytes: 1}},
			2,
			[]string{"sluice.Settings.first_bytes"},
		},
		{
			"the highest of two", &sluicepb.StreamRecord{
				Settings:   &sluicepb.Settings{FirstBytes: 1},
				Accounting: &sluicepb.Accounting{Gap: &sluicepb.Gap{WithinLine: true}},
			}, 3, []string{"sluice.Gap.within_line", "sluice.Settings.first_bytes"},
		},
		{
			"a value of an enum in a list", &sluicepb.StreamRecord{Accounting: &sluicepb.Accounting{
				Losses: []*sluicepb.Loss{{Bytes: 1}, {Cause: sluicepb.Cause_RATE}, {Cause: sluicepb.Cause_RATE}},
			}}, 4, []string{"sluice.RATE"},
		},
		{
			"one that was set once", &sluicepb.StreamRecord{Version: 1, Needs: []string{"sluice.Settings.first_bytes"}}, 1, nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			version, needs := v.needed(c.record)
			assert.Equal(t, c.version, version)
			assert.Equal(t, c.needs, needs)
		})
	}
}

// A released reader refuses every version above 1: nothing may be written as such that
// it would have read.
func TestRecordsOfTodayAreReadByTheFirstRelease(t *testing.T) {
	record := fullRecord()
	_, err := encodeRecord(record)
	require.NoError(t, err)
	assert.Equal(t, uint32(1), record.GetVersion())
	assert.Empty(t, record.GetNeeds())
}

// ofANewerVersion has a member in Settings that this code does not know, and needs it.
func ofANewerVersion(t *testing.T) (record *sluicepb.StreamRecord, onDisk []byte) {
	t.Helper()
	record = fullRecord()
	record.Settings.ProtoReflect().SetUnknown(unknownMember())
	data, err := EncodeVersion(record, RecordVersion+1, "sluice.Settings.line_prefix", "sluice.Settings.first_bytes")
	require.NoError(t, err)
	return record, data
}

// unknownMember is the member number 900, a string.
func unknownMember() protoreflect.RawFields {
	return protowire.AppendString(protowire.AppendTag(nil, 900, protowire.BytesType), "time")
}

// An older version reads what it understands, knows what it does not, and leaves that to
// the newer one, through any number of saves.
func TestRecordOfANewerVersionIsGoneOnWith(t *testing.T) {
	_, data := ofANewerVersion(t)
	got, err := decodeRecord(data)
	require.ErrorIs(t, err, ErrNewer)
	require.NotNil(t, got)
	var newer *NewerError
	require.ErrorAs(t, err, &newer)
	assert.Equal(t, NewerError{Version: RecordVersion + 1, Members: []string{"sluice.Settings.line_prefix"}}, *newer)
	for range 3 {
		got.Accounting.WrittenBytes += 1000
		data, err = encodeRecord(got)
		require.NoError(t, err)
		got, err = decodeRecord(data)
		require.ErrorIs(t, err, ErrNewer)
	}
	want, _ := ofANewerVersion(t)
	want.Accounting.WrittenBytes += 3000
	want.Needs = []string{"sluice.Settings.line_prefix"} // what this version understands it derives itself
	assert.True(t, proto.Equal(want, got), "want %v\ngot  %v", want, got)
}
