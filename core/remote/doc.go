// Package remote reads a rotated series through the operator API of a Mesos agent
// (LIST_FILES, READ_FILE), from another machine and without an account on the agent's.
//
// The API gives names, sizes and whole seconds, and neither inodes nor open files. Which
// file has which name by now is told from what a rotation does to a listing: it moves all
// files on by one place, in their order, removes the oldest only, and changes neither the
// time nor, but by compression, the length of what it moves. Between two listings the
// number of rotations that explains both is looked for (shift.go). Where several do, as for
// files of one length from one second, what was read of a file is compared with what it holds
// now (evidence.go); where that repeats itself too, as with a line that is printed again
// and again, nobody can tell: that is said, and the reading is not complete.
//
// What was read under a name is given out only after a listing has shown the series as it was
// before (steady.go). A series at rest is read whole whatever it holds: once a second has
// passed, a rotation would show.
//
// What comes between two looks must still be in the series at the second: nothing can be
// held open from here. What the retention took is said, but its amount is not known. A
// file that somebody else removes, in the very second of a rotation and among files that
// are alike, is not noticed.
//
// What an agent answers is untrusted. Answers are bounded in bytes and in time, and memory does not
// grow with them; nothing of them reaches an error but what is printable.
package remote
