package seriesname

import (
	"strconv"
	"strings"
)

// Names that rotations reserve begin so; none of them outlives the work that it
// belongs to, and a recovery sweeps what a killed process left.
const reservedInfix = ".sluice-tmp."

// ReservedPrefix begins the reserved names of the live file base.
func ReservedPrefix(base string) string { return "." + base + reservedInfix }

// Reserved says that a name in the directory of the series is a temporary one of
// the logger's for the live file base.
func Reserved(base, name string) bool { return strings.HasPrefix(name, ReservedPrefix(base)) }

// Owed is the empty file that says that the file with this inode is to be compressed. Policies
// change and plain files can be older than them, so the directory alone would not
// tell which plain file is owed a compression.
func Owed(base string, inode uint64) string {
	return ReservedPrefix(base) + strconv.FormatUint(inode, 10)
}

// Output is the unfinished compressed form of that file.
func Output(base string, inode uint64) string { return Owed(base, inode) + ".out" }

// Taken is the name that the live file base has in the directory of the series while a
// rotation shifts the others.
func Taken(base string) string { return ReservedPrefix(base) + "taken" }

// ShiftNote is that of the note about the shifts of a rotation.
func ShiftNote(base string) string { return ReservedPrefix(base) + "shift" }

// RemovalNote is that of the note about what is to go after the scripts have run.
func RemovalNote(base string) string { return ReservedPrefix(base) + "remove" }

// UnderWay are the names of which one is in the directory of the series from before the
// first file is shifted until the live file base has its place; a rotation that was broken
// off leaves it there.
func UnderWay(base string) []string { return []string{Taken(base), ShiftNote(base)} }

// HeldPrefix begins the names of files that gave their plain name to one that waits
// for its compression. In the replaced program the two never meet: compressed files
// are shifted past the plain ones of an earlier policy.
func HeldPrefix(base string) string { return ReservedPrefix(base) + "held." }
