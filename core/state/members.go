package state

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	sluicepb "sluice/proto"
)

// Nobody keeps the version of a record by hand: it follows from the members that are set. For
// each member of the messages in record.proto, and each value of their enums, this table has
// the lowest version of a reader that may go on with a record in which it is set. That is 1
// even for a new member, if an older reader may ignore it. If a reader that ignored it would
// misread the rest, it takes the next number, and RecordVersion with it.
//
// A member that older readers ignore must still be true after such a reader has gone on with
// the account, or be void by what else is in the record (Birth is the example).

// versions maps full names of members and enum values to versions.
type versions map[protoreflect.FullName]uint32

// members are those of this code. A test compares them with the messages.
var members = table(map[uint32]map[protoreflect.FullName]string{
	1: {
		"sluice.StreamRecord": "version boot_id created_unix_nano container_id stream framework_id executor_id task_id " +
			"sandbox sandbox_device sandbox_inode user uid gid groups settings accounting first_end_bytes " +
			"evicted_files evicted_bytes evicted_unix_nano evicted_for needs interlude complete unattended",
		"sluice.Settings": "max_bytes max_bytes_from options_text options_from max_rate_bytes max_rate_from when_full first_bytes",
		"sluice.WhenFull": "evict evict_from wait_nanos wait_from block policy_from",
		"sluice.Origin":   "task name",
		"sluice.Accounting": "written_bytes dropped_bytes dropped_lines rotations last_rotation_unix_nano live_inode " +
			"live_start_bytes carried_bytes losses gap mark spilled_chunks continues_line marks mark_bytes " +
			"evicted_files evicted_bytes longest_blocked_nanos written_lines live_birth",
		"sluice.Loss":       "cause bytes lines",
		"sluice.Gap":        "since_unix_nano cause error_number bytes lines within_line unknown",
		"sluice.Mark":       "gap_since_unix_nano bytes",
		"sluice.Interlude":  "version found taken",
		"sluice.Birth":      "inode written_bytes unix_nano generation",
		"sluice.Unattended": "marked",
		// Protobuf names the values of an enum beside it, not within it.
		"sluice": "UNKNOWN NO_SPACE QUOTA IO_ERROR RATE DISCARDED PANIC SANDBOX_REMOVED UNRECORDED",
	},
})

func table(of map[uint32]map[protoreflect.FullName]string) versions {
	v := versions{}
	for version, messages := range of {
		for message, names := range messages {
			for name := range strings.FieldsSeq(names) {
				v[message.Append(protoreflect.Name(name))] = version
			}
		}
	}
	return v
}

// needed gives the version of a record, and the members because of which it is above 1. Members
// that a newer version has set still count, although this one does not know them.
func (v versions) needed(record *sluicepb.StreamRecord) (version uint32, needs []string) {
	version = 1
	set(record.ProtoReflect(), func(name protoreflect.FullName) {
		if v[name] > 1 && !slices.Contains(needs, string(name)) {
			needs = append(needs, string(name))
		}
		version = max(version, v[name])
	})
	if record.GetVersion() > RecordVersion {
		version = max(version, record.GetVersion())
		for _, name := range v.missing(record) {
			if !slices.Contains(needs, name) {
				needs = append(needs, name)
			}
		}
	}
	slices.Sort(needs)
	return version, needs
}

// missing are the members that a newer version says it needs and that are not in the table.
func (v versions) missing(record *sluicepb.StreamRecord) []string {
	var names []string
	for _, name := range record.GetNeeds() {
		if _, known := v[protoreflect.FullName(name)]; !known {
			names = append(names, name)
		}
	}
	return names
}

// set calls visit for each member of a message that is set, including those of messages in it,
// and for the values of enums.
func set(m protoreflect.Message, visit func(protoreflect.FullName)) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		visit(field.FullName())
		each(field, value, func(one protoreflect.Value) {
			switch {
			case field.Message() != nil:
				set(one.Message(), visit)
			case field.Enum() != nil:
				if known := field.Enum().Values().ByNumber(one.Enum()); known != nil {
					visit(known.FullName())
				}
			}
		})
		return true
	})
}

// each calls visit for the value, or for the elements of a list. The records have no
// maps (a test sees to that).
func each(field protoreflect.FieldDescriptor, value protoreflect.Value, visit func(protoreflect.Value)) {
	if !field.IsList() {
		visit(value)
		return
	}
	for list, i := value.List(), 0; i < list.Len(); i++ {
		visit(list.Get(i))
	}
}

// NewerError says what this version does not understand of a record. It matches ErrNewer.
type NewerError struct {
	Version uint32
	// Members are the full names that the newer version gave; it may have given none.
	Members []string
}

func (e *NewerError) Error() string {
	text := fmt.Sprintf("%v: version %d, this one reads up to %d", ErrNewer, e.Version, RecordVersion)
	if len(e.Members) > 0 {
		text += "; not understood: " + strings.Join(e.Members, ", ")
	}
	return text
}

// Is makes errors.Is(err, ErrNewer) true.
func (e *NewerError) Is(target error) bool { return target == ErrNewer }
