package rotation

import "fmt"

// Op names what a step does. Steps that change the directory change one name each.
type Op int

// The steps of a rotation.
const (
	// OpOwe marks the file with Inode as one that has to be compressed.
	OpOwe Op = iota
	// OpTake gives the live file a reserved name for as long as the shift takes. After a
	// kill, that name in the directory tells of the shift.
	OpTake
	// OpPut makes the file that OpTake took the youngest of the series, as To.
	OpPut
	// OpRemoveTaken removes that file instead: the policy keeps none.
	OpRemoveTaken
	// OpNoteShift notes the shifts that follow, so that Recover can take back half of them.
	OpNoteShift
	// OpForgetShift removes that note: the rotation has happened.
	OpForgetShift
	// OpDisplace gives From, which stands where a file of ours must go, a backup name.
	OpDisplace
	// OpHold keeps From, a plain file from before the policy, under a reserved name while
	// a file that waits for its compression has its name.
	OpHold
	// OpAside moves an impostor in the series out of the way.
	OpAside
	// OpShift renames From to To, both in the series.
	OpShift
	// OpRemove disposes of From.
	OpRemove
	// OpRemoveLive removes the live file: the policy keeps none.
	OpRemoveLive
	// OpMove makes the live file the youngest of the series, as To.
	OpMove
	// OpNoteRemoval notes what has to go after the scripts have run.
	OpNoteRemoval
	// OpForgetRemoval removes that note.
	OpForgetRemoval
	// OpScript runs the script that Script names, with From as final name.
	OpScript
	// OpCompress compresses From right away, because scripts want to see it done.
	OpCompress
)

var opNames = [...]string{
	"owe", "take", "put", "remove-taken", "note-shift", "forget-shift", "displace", "hold", "aside", "shift", "remove", "remove-live", "move",
	"note-removal", "forget-removal", "script", "compress",
}

func (o Op) String() string { return opNames[o] }

// Step is one step of a plan. Names are those in the directory of the series.
type Step struct {
	Op       Op
	From, To string
	// Inode is the file's own, where the step must know it.
	Inode uint64
	// SizeBytes is how much of the disk OpRemove frees.
	SizeBytes int64
	// Script is the directive of OpScript.
	Script string
	// Note is the text of OpNoteShift and OpNoteRemoval.
	Note string
}

// String is the step as tests and logs name it.
func (s Step) String() string {
	switch {
	case s.Script != "":
		return fmt.Sprintf("%s %s", s.Op, s.Script)
	case s.To != "":
		return fmt.Sprintf("%s %q to %q", s.Op, s.From, s.To)
	}
	return fmt.Sprintf("%s %q", s.Op, s.From)
}
